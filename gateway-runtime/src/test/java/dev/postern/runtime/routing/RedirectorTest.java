package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Redirect;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RedirectorTest {
    static Stream<Arguments> redirects() {
        Redirect found = Redirect.status(302);
        return Stream.of(
                Arguments.of(found, "http", "a.example", "http://a.example/old/x?q=%zz"),
                Arguments.of(found, "https", "a.example:8443", "https://a.example:8443/old/x?q=%zz"),
                Arguments.of(found, "http", "a.example:80", "http://a.example/old/x?q=%zz"),
                Arguments.of(found, "http", "[::1]:81", "http://[::1]:81/old/x?q=%zz"),
                Arguments.of(found.scheme("https"), "http", "a.example:8080", "https://a.example/old/x?q=%zz"),
                Arguments.of(found.scheme("http"), "https", "a.example", "http://a.example/old/x?q=%zz"),
                Arguments.of(
                        found.scheme("https").port(8443), "http", "a.example", "https://a.example:8443/old/x?q=%zz"),
                Arguments.of(found.scheme("https").port(443), "http", "a.example", "https://a.example/old/x?q=%zz"),
                Arguments.of(found.port(80), "https", "a.example", "https://a.example:80/old/x?q=%zz"),
                Arguments.of(found.port(80), "http", "a.example:8080", "http://a.example/old/x?q=%zz"),
                Arguments.of(found.host("B.example"), "http", "a.example:8080", "http://b.example:8080/old/x?q=%zz"),
                Arguments.of(found.host("[2001:DB8::1]"), "http", "a.example", "http://[2001:db8::1]/old/x?q=%zz"),
                Arguments.of(found.prefix("/new"), "http", "a.example", "http://a.example/new/x?q=%zz"),
                Arguments.of(found.prefix("/"), "http", "a.example", "http://a.example/x?q=%zz"),
                Arguments.of(found.path("/all/{rest}"), "http", "a.example", "http://a.example/all/x?q=%zz"));
    }

    @ParameterizedTest
    @MethodSource("redirects")
    void the_location_is_absolute_and_keeps_what_is_not_set(
            Redirect redirect, String scheme, String authority, String location) {
        Request request = Request.get("/old/x?q=%zz").withScheme(scheme).withAuthority(authority);

        Response response = answer(Match.path("/old/{rest...}"), redirect, request);

        assertThat(response.status()).isEqualTo(302);
        assertThat(response.header("location")).isEqualTo(location);
        assertThat(response.body().length()).isZero();
    }

    @Test
    void the_status_is_the_one_given_and_no_query_stays_none() {
        Response response = answer(Match.any(), Redirect.status(308).scheme("https"), Request.get("/a%20b"));

        assertThat(response.status()).isEqualTo(308);
        assertThat(response.header("Location")).isEqualTo("https://localhost/a%20b");
    }

    @Test
    void forwarded_fields_do_not_make_a_location() {
        Request forged = Request.get("/x")
                .withHeader("X-Forwarded-Host", "evil.example")
                .withHeader("Forwarded", "host=evil.example");

        assertThat(answer(Match.any(), Redirect.status(301).scheme("https"), forged)
                        .header("Location"))
                .isEqualTo("https://localhost/x");
    }

    @Test
    void mistakes_are_problems_with_their_cure() {
        assertThat(problem(Match.any(), Redirect.status(301).host("a..b")))
                .startsWith("route \"r\": redirect host \"a..b\" is not one (");
        assertThat(problem(Match.any(), Redirect.status(301).path("/{x}")))
                .startsWith("route \"r\": redirect path \"/{x}\" uses {x}");
        Route other = Route.builder("r").answer(Response.of(200)).build();
        assertThatThrownBy(() -> Redirector.compile(other, new ArrayList<>()))
                .hasMessage("route \"r\": leads to answer 200 (expected: a redirect)");
    }

    private static String problem(Match match, Redirect redirect) {
        List<Problem> problems = new ArrayList<>();
        Redirector.compile(Route.builder("r").match(match).redirect(redirect).build(), problems);
        assertThat(problems).hasSize(1);
        return problems.get(0).toString();
    }

    private static Response answer(Match match, Redirect redirect, Request request) {
        Route route = Route.builder("r").match(match).redirect(redirect).build();
        List<Problem> problems = new ArrayList<>();
        Redirector redirector = Redirector.compile(route, problems);
        Routed routed = RoutingTable.compile(List.of(route), problems).find(request, ClientInfo.local(), Tables.NOON);
        assertThat(problems).isEmpty();
        return redirector.answer(request, routed);
    }
}
