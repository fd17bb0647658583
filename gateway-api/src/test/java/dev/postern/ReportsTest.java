package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.postern.Plan.Change;
import dev.postern.Plan.Change.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the gateway tells people: plans, problems, explanations, states. */
class ReportsTest {
    private static final Problem UNKNOWN =
            Problem.error("route \"orders-read\"", "upstream \"order\" is not defined (defined: orders, users)");
    private static final Problem SHADOWED = Problem.warning("route \"old\"", "can never match");

    @Test
    void a_refused_configuration_lists_every_problem_a_line_each() {
        assertThat(new InvalidConfigException(List.of(UNKNOWN)))
                .hasMessage("1 problem:\n"
                        + "  route \"orders-read\": upstream \"order\" is not defined (defined: orders, users)");
        InvalidConfigException two = new InvalidConfigException(List.of(UNKNOWN, SHADOWED));
        assertThat(two)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("2 problems:\n"
                        + "  route \"orders-read\": upstream \"order\" is not defined (defined: orders, users)\n"
                        + "  route \"old\": can never match");
        assertThat(two.problems()).containsExactly(UNKNOWN, SHADOWED);
    }

    @Test
    void a_configuration_without_a_problem_is_not_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new InvalidConfigException(List.of()))
                .withMessage("problems: [] (expected: at least one)");
    }

    @Test
    void problems_say_whether_they_refuse() {
        assertThat(UNKNOWN.severity()).isEqualTo(Problem.Severity.ERROR);
        assertThat(SHADOWED.severity()).isEqualTo(Problem.Severity.WARNING);
        assertThat(new Plan(List.of(), List.of(SHADOWED)).applicable()).isTrue();
        assertThat(new Plan(List.of(), List.of(SHADOWED, UNKNOWN)).applicable()).isFalse();
        assertThat(new Plan(List.of(), List.of()).applicable()).isTrue();
    }

    @Test
    void a_plan_shows_changes_and_then_problems() {
        List<Change> changes = List.of(
                new Change(Kind.ADDED, "listener \"http-8080\"", ""),
                new Change(Kind.CHANGED, "route \"r\"", "timeout PT30S → PT2S"));

        assertThat(new Plan(List.of(), List.of())).hasToString("no change");
        assertThat(new Plan(changes, List.of()))
                .hasToString("+ listener \"http-8080\"\n~ route \"r\": timeout PT30S → PT2S");
        assertThat(new Plan(List.of(), List.of(SHADOWED))).hasToString("! route \"old\": can never match");
        assertThat(new Plan(changes, List.of(SHADOWED)))
                .hasToString("+ listener \"http-8080\"\n~ route \"r\": timeout PT30S → PT2S\n"
                        + "! route \"old\": can never match");
    }

    @ParameterizedTest
    @CsvSource({"ADDED, +", "REMOVED, -", "CHANGED, ~", "OPAQUE, ~", "STATE_RESET, ~", "STATE_DROPPED, -"})
    void every_kind_of_change_has_a_sign(Kind kind, String sign) {
        assertThat(new Change(kind, "x", "")).hasToString(sign + " x");
    }

    @Test
    void reports_keep_what_they_were_made_of() {
        List<Change> changes = new ArrayList<>();
        List<Problem> problems = new ArrayList<>();
        Map<String, String> variables = new LinkedHashMap<>();
        Plan plan = new Plan(changes, problems);
        Explanation explanation =
                new Explanation("/", null, List.of(), "r", variables, List.of(), "upstream a", "a", null, List.of());

        changes.add(new Change(Kind.ADDED, "x", ""));
        problems.add(SHADOWED);
        variables.put("id", "7");

        assertThat(plan).hasToString("no change");
        assertThat(explanation.pathVariables()).isEmpty();
    }

    @Test
    void an_explanation_of_a_taken_route_reads_from_path_to_endpoint() {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put("tenant", "acme");
        variables.put("id", "7");
        Explanation explanation = new Explanation(
                "/acme/orders/7",
                null,
                List.of(
                        new Explanation.Considered("read", true, "path, method"),
                        new Explanation.Considered("write", false, "method is GET (expected: PUT)")),
                "read",
                variables,
                List.of("log", "jwt"),
                "upstream orders",
                "orders",
                "http://a",
                List.of("http://a usable", "http://b ejected"));

        assertThat(explanation.toString()).isEqualTo("""
                        path /acme/orders/7
                          ✓ read: path, method
                          ✗ write: method is GET (expected: PUT)
                        route read {tenant=acme, id=7}
                        filters [log, jwt]
                        to upstream orders
                          http://a usable
                          http://b ejected
                        endpoint http://a""");
    }

    @Test
    void an_explanation_of_a_refusal_ends_with_it() {
        Explanation explanation =
                new Explanation("/x", "no_route", List.of(), null, Map.of(), List.of(), "", null, null, List.of());

        assertThat(explanation).hasToString("path /x\nrefused: no_route");
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 8080, false, http://127.0.0.1:8080",
        "0.0.0.0, 8080, false, http://127.0.0.1:8080",
        "0.0.0.0, 8443, true, https://127.0.0.1:8443",
        "::1, 80, false, http://[::1]:80",
        "::, 80, false, http://[::1]:80",
        "0:0:0:0:0:0:0:0, 80, false, http://[::1]:80",
        "edge.example, 80, false, http://edge.example:80",
    })
    void a_bound_listener_tells_where_to_reach_it(String host, int port, boolean secure, String url) {
        assertThat(new BoundListener("l", host, port, secure).url()).isEqualTo(url);
    }

    @Test
    void the_state_of_an_upstream_is_a_copy() {
        List<UpstreamState.EndpointState> endpoints = new ArrayList<>();
        UpstreamState state = new UpstreamState("u", 1, 0, endpoints);

        endpoints.add(new UpstreamState.EndpointState("http://a", true, true, Duration.ZERO, 1, 1, null));

        assertThat(state.endpoints()).isEmpty();
    }

    @Test
    void an_outcome_says_whether_the_response_got_through() {
        assertThat(outcome(null)).returns(true, Outcome::complete).returns(false, Outcome::truncated);
        assertThat(outcome(Failure.CONNECT_FAILED))
                .returns(true, Outcome::complete)
                .returns(false, Outcome::truncated);
        for (Failure cut : List.of(Failure.CLIENT_GONE, Failure.CLIENT_STALLED, Failure.STREAM_ENDED)) {
            assertThat(outcome(cut))
                    .as("%s", cut)
                    .returns(false, Outcome::complete)
                    .returns(false, Outcome::truncated);
        }
        for (Failure cut : List.of(Failure.RESPONSE_BODY_BROKEN, Failure.RESPONSE_BODY_STALLED)) {
            assertThat(outcome(cut))
                    .as("%s", cut)
                    .returns(false, Outcome::complete)
                    .returns(true, Outcome::truncated);
        }
    }

    @Test
    void parts_of_a_configuration_show_themselves_without_secrets() {
        assertThat(Rewrite.none()).hasToString("no rewrite");
        assertThat(Rewrite.none()
                        .path("/v2/orders/{id}")
                        .keepHost()
                        .setRequestHeader("X-Api-Key", "secret")
                        .removeQuery("debug"))
                .hasToString("path /v2/orders/{id}, host kept, set request header X-Api-Key, remove query debug");
        assertThat(Rewrite.none().prefix("/").host("orders.internal")).hasToString("prefix /, host orders.internal");
        assertThat(Limits.standard().maxHeaders(50))
                .hasToString("target 8192 B, head 16384 B, 50 headers, 10000 connections, head within PT10S, idle for"
                        + " PT1M15S, reads within PT30S");
        assertThat(UpstreamTls.verified()).hasToString("verified");
        assertThat(UpstreamTls.verified()
                        .trust(Path.of("ca.pem"))
                        .serverName("orders.internal")
                        .certificate(Path.of("client.pem"), Path.of("client.key")))
                .hasToString("verified by ca.pem, as \"orders.internal\", with certificate client.pem");
        assertThat(UpstreamTls.verified().insecureTrustAnything()).hasToString("not verified");
    }

    @Test
    void a_failure_passed_on_says_where_and_stays_the_same_failure() {
        IllegalStateException cause = new IllegalStateException("broken");
        GatewayException passedOn = new GatewayException(Failure.BAD_REQUEST, "path.nul", "a NUL", cause)
                .in("filter \"audit\" of route \"orders\"");
        assertThat(passedOn)
                .hasMessage("filter \"audit\" of route \"orders\": a NUL")
                .hasCause(cause);
        assertThat(passedOn.failure()).isEqualTo(Failure.BAD_REQUEST);
        assertThat(passedOn.reason()).isEqualTo("path.nul");
    }

    private static Outcome outcome(Failure failure) {
        return new Outcome(200, failure, null, Duration.ZERO, Duration.ZERO, 0, 0, 1, "u", "http://a");
    }
}
