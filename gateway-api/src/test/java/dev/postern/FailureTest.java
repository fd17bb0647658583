package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.Failure.Party;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FailureTest {
    /** RFC 9209 2.3: the error types that are used here and the statuses recommended for responses that carry them. */
    private static final Map<String, List<Integer>> RECOMMENDED = Map.ofEntries(
            Map.entry("dns_error", List.of(502)),
            Map.entry("destination_not_found", List.of(500)),
            Map.entry("destination_unavailable", List.of(503)),
            Map.entry("connection_refused", List.of(502)),
            Map.entry("connection_terminated", List.of(502)),
            Map.entry("connection_timeout", List.of(504)),
            Map.entry("connection_read_timeout", List.of(504)),
            Map.entry("connection_write_timeout", List.of(504)),
            Map.entry("connection_limit_reached", List.of(503)),
            Map.entry("tls_certificate_error", List.of(502)),
            Map.entry("http_request_error", List.of(400, 405, 408, 413, 414, 417, 421, 426, 431)),
            Map.entry("http_request_denied", List.of(403)),
            Map.entry("http_response_incomplete", List.of(502)),
            Map.entry("http_response_body_size", List.of(502)),
            Map.entry("http_response_timeout", List.of(504)),
            Map.entry("http_protocol_error", List.of(502)),
            Map.entry("proxy_internal_error", List.of(500)),
            Map.entry("proxy_internal_response", List.of(503)));

    /** Where we know better than the recommendation, and why. */
    private static final Map<Failure, String> ON_PURPOSE = Map.of(
            Failure.NO_ROUTE, "404: clients read a 500 as our fault",
            Failure.CALL_DEADLINE, "408: the client has named it, and waits no longer than it said",
            Failure.VERSION_NOT_SUPPORTED, "505 is the status that HTTP has for it",
            Failure.CLIENT_STALLED, "499: nobody receives it",
            Failure.CLIENT_GONE, "499: nobody receives it",
            Failure.STREAM_ENDED, "499: nobody receives it");

    @ParameterizedTest
    @EnumSource
    void statuses_are_those_that_rfc_9209_recommends(Failure failure) {
        assertThat(RECOMMENDED).as("error types of RFC 9209 2.3").containsKey(failure.proxyStatus());
        if (!ON_PURPOSE.containsKey(failure)) {
            assertThat(RECOMMENDED.get(failure.proxyStatus()))
                    .as("%s is %s", failure, failure.proxyStatus())
                    .contains(failure.status());
        }
    }

    @ParameterizedTest
    @EnumSource
    void codes_are_the_names_in_lower_case(Failure failure) {
        assertThat(failure.code()).isEqualTo(failure.name().toLowerCase(Locale.ROOT));
    }

    @Test
    void codes_are_unique() {
        assertThat(Arrays.stream(Failure.values()).map(Failure::code)).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @EnumSource
    void the_fault_of_a_client_is_a_4xx_and_of_nobody_else(Failure failure) {
        boolean clientError = failure.status() < 500 || failure == Failure.VERSION_NOT_SUPPORTED;

        assertThat(clientError).as("%s %s", failure, failure.status()).isEqualTo(failure.party() == Party.CLIENT);
    }

    // Whatever is read here as "nothing sent" may be sent again, a POST too.
    @Test
    void only_what_cannot_have_reached_an_upstream_may_always_be_tried_again() {
        assertThat(Arrays.stream(Failure.values())
                        .filter(failure -> failure.nothingSent() && failure.party() == Party.UPSTREAM))
                .containsExactly(
                        Failure.NO_ENDPOINT,
                        Failure.DNS_FAILED,
                        Failure.CONNECT_FAILED,
                        Failure.CONNECT_TIMEOUT,
                        Failure.TLS_FAILED);
        assertThat(Set.of(
                        Failure.RESET_BEFORE_HEAD,
                        Failure.FIRST_BYTE_TIMEOUT,
                        Failure.DEADLINE_EXCEEDED,
                        Failure.RESPONSE_MALFORMED,
                        Failure.REQUEST_BODY_BROKEN))
                .noneMatch(Failure::nothingSent);
    }

    @Test
    void an_exception_without_a_cause_has_no_stack() {
        GatewayException refused = new GatewayException(Failure.BAD_REQUEST, "two Host lines");

        assertThat(refused.getStackTrace()).isEmpty();
        assertThat(refused.getCause()).isNull();
        refused.addSuppressed(new IllegalStateException());
        assertThat(refused.getSuppressed()).isEmpty();
        assertThat(new GatewayException(Failure.BAD_REQUEST, "x", null).getStackTrace())
                .isEmpty();
    }

    @Test
    void an_exception_with_a_cause_keeps_it_and_its_own_stack() {
        IllegalStateException cause = new IllegalStateException("reset");
        GatewayException failed = new GatewayException(Failure.FILTER_FAILED, "filter jwt failed", cause);

        assertThat(failed).hasMessage("filter jwt failed").hasCause(cause);
        assertThat(failed.getStackTrace()).isNotEmpty();
    }

    @Test
    void the_reason_is_the_code_unless_there_is_a_finer_one() {
        GatewayException plain = new GatewayException(Failure.BAD_REQUEST, "message");
        GatewayException finer = new GatewayException(Failure.BAD_REQUEST, "path.encoded_slash", "message", null);

        assertThat(plain).returns(Failure.BAD_REQUEST, GatewayException::failure);
        assertThat(plain.reason()).isEqualTo("bad_request");
        assertThat(finer.reason()).isEqualTo("path.encoded_slash");
        assertThatNullPointerException().isThrownBy(() -> new GatewayException(null, "a", "b", null));
        assertThatNullPointerException()
                .isThrownBy(() -> new GatewayException(Failure.INTERNAL, null, "message", null));
    }

    @Test
    void a_failed_start_keeps_its_cause() {
        IllegalStateException cause = new IllegalStateException("in use");

        assertThat(new GatewayStartException("port 80 of listener http-80 is in use", cause))
                .hasMessage("port 80 of listener http-80 is in use")
                .hasCause(cause);
    }
}
