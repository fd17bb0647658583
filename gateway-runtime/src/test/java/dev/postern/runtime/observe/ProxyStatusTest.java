package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ProxyStatusTest {
    // The grammar of RFC 9651 for what may come out: one item with parameters, tokens, integers and strings.
    private static final String TOKEN = "[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*";
    private static final String STRING = "\"(?:[ !#-\\[\\]-~]|\\\\[\"\\\\])*\"";
    private static final Pattern MEMBER = Pattern.compile(
            "(?:" + TOKEN + "|" + STRING + "); error=[a-z_]+" + "(?:; received-status=\\d{3})?; details=" + STRING);

    @ParameterizedTest
    @EnumSource(Failure.class)
    void every_failure_has_a_member_that_parses(Failure failure) {
        String member = ProxyStatus.of("postern", failure, null);
        assertThat(member)
                .matches(MEMBER)
                .isEqualTo("postern; error=" + failure.proxyStatus() + "; details=\"" + failure.code() + '"');
    }

    @Test
    void the_status_that_the_upstream_had_sent_is_told() {
        assertThat(ProxyStatus.of("edge", Failure.RESPONSE_MALFORMED, 204))
                .matches(MEMBER)
                .isEqualTo("edge; error=http_protocol_error; received-status=204; details=\"response_malformed\"");
    }

    @Test
    void the_finer_reason_is_shown_but_neither_message_nor_cause() {
        GatewayException error = new GatewayException(
                Failure.CONNECT_FAILED,
                "connect.refused",
                "connect to http://10.0.0.7:8081 failed",
                new IllegalStateException("db.internal"));
        assertThat(ProxyStatus.of("postern", error, null))
                .isEqualTo("postern; error=connection_refused; details=\"connect.refused\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "edge-1          | edge-1",
                "*star           | *star",
                "a:b/c           | a:b/c",
                "1edge           | \"1edge\"",
                "!edge           | \"!edge\"",
                "my edge         | \"my edge\"",
                "a\"b\\c         | \"a\\\"b\\\\c\"",
                "zürich          | \"z?rich\"",
                "``              | \"\"",
            })
    void a_name_that_is_no_token_of_structured_fields_becomes_a_string(String name, String shown) {
        String member = ProxyStatus.of(name == null ? "" : name, Failure.INTERNAL, null);
        assertThat(member).matches(MEMBER).isEqualTo(shown + "; error=proxy_internal_error; details=\"internal\"");
    }

    @Test
    void hostile_reasons_stay_inside_their_string_and_fit_into_a_header() {
        GatewayException error = new GatewayException(
                Failure.FILTER_FAILED, "a\"; error=none\r\nSet-Cookie: x\\\u0000é", "message", null);
        String member = ProxyStatus.of("postern", error, null);
        assertThat(member).matches(MEMBER);
        assertThat(Headers.of("Proxy-Status", member).get("proxy-status")).isEqualTo(member);
    }
}
