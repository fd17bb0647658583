package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.ClientInfo;
import dev.postern.Destination;
import dev.postern.Headers;
import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Redirect;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/**
 * The cases of the Kubernetes Gateway API's conformance suite for HTTPRoute, as far as they are about matching, precedence,
 * rewrites, redirects and header edits. The file is not part of this repository: it is looked for at {@code
 * -Dpostern.gateway-api-cases=FILE}, then in {@code ../shared/data} beside the repository. {@link GatewayApiSemanticsTest}
 * holds the same rules in our own cases and always runs.
 */
class GatewayApiCasesTest {
    private static final String FILE = "gateway-api-cases.json";

    // What these are about is not decided by the table of routes.
    private static final Map<String, String> NOT_HERE = Map.of(
            "httproute-cors", "a filter answers preflights",
            "httproute-https-listener", "cases are templates; certificates are chosen by the listener",
            "httproute-https-listener-detect-misdirected-requests", "cases are templates; 421 comes from the listener",
            "httproute-listener-port-matching", "ports belong to listeners, and routes to all of them",
            "httproute-retry", "cases are templates; retries belong to upstreams",
            "httproute-service-types", "cases are templates",
            "httproute-timeout-backend-request", "time",
            "httproute-timeout-request", "time");

    // GET routes serve HEAD here; the Gateway API leaves that to the user.
    private static final Set<String> HEAD_IS_SERVED = Set.of("httproute-method-matching HEAD /");

    @TestFactory
    Stream<DynamicNode> conformance() throws IOException {
        JsonNode groups = new ObjectMapper().readTree(file().toFile());
        List<DynamicNode> nodes = new ArrayList<>();
        for (JsonNode group : groups) {
            String name = group.get("group").asText();
            if (!NOT_HERE.containsKey(name)) {
                nodes.add(dynamicContainer(name, tests(name, group)));
            }
        }
        assertThat(nodes).hasSizeGreaterThan(25);
        return nodes.stream();
    }

    private static Path file() {
        String given = System.getProperty("postern.gateway-api-cases");
        Path beside = Path.of("")
                .toAbsolutePath()
                .resolve("../../shared/data")
                .resolve(FILE)
                .normalize();
        Path file = given == null ? beside : Path.of(given);
        if (!Files.exists(file)) {
            System.getLogger("test")
                    .log(System.Logger.Level.WARNING, "SKIPPED: no Gateway API conformance cases at " + file);
            abort("no Gateway API conformance cases at " + file);
        }
        return file;
    }

    private static List<DynamicNode> tests(String group, JsonNode json) {
        // One gateway for all routes; but where routes stand on listeners of their own, one for each, and the cases in
        // turn.
        List<List<JsonNode>> gateways = new ArrayList<>();
        Map<String, JsonNode> listeners = new LinkedHashMap<>();
        List<JsonNode> routes = new ArrayList<>();
        for (JsonNode route : json.get("routes")) {
            if (route.get("kind").asText().equals("Gateway")) {
                listeners.put(route.get("name").asText(), route.at("/spec/listeners"));
            } else {
                routes.add(route);
            }
        }
        boolean apart = group.equals("httproute-redirect-port-and-scheme");
        if (apart) {
            routes.forEach(route -> gateways.add(List.of(route)));
        } else {
            gateways.add(routes);
        }
        List<DynamicNode> tests = new ArrayList<>();
        int gateway = 0;
        int used = 0;
        Fixture fixture = null;
        for (JsonNode one : json.get("cases")) {
            int rules = gateways.get(gateway).get(0).at("/spec/rules").size();
            if (apart && used == rules) {
                gateway++;
                used = 0;
                fixture = null;
            }
            if (fixture == null) {
                fixture = new Fixture(gateways.get(gateway), listeners);
            }
            used++;
            Fixture current = fixture;
            String request = one.at("/Request/Method").asText("GET") + " "
                    + one.at("/Request/Path").asText();
            tests.add(dynamicTest(request + " #" + tests.size(), () -> current.check(group + " " + request, one)));
        }
        return tests;
    }

    /** The routes of one gateway, and what is expected of them. */
    private static final class Fixture {
        private final Map<String, JsonNode> rules = new LinkedHashMap<>();
        private final RoutingTable table;
        private final int port;

        Fixture(List<JsonNode> gateway, Map<String, JsonNode> listeners) {
            List<Route> routes = new ArrayList<>();
            for (JsonNode route : gateway) {
                List<String> hosts = hosts(route, listeners);
                if (hosts != null) {
                    for (JsonNode rule : route.at("/spec/rules")) {
                        String id = route.get("name").asText() + "#" + rules.size();
                        rules.put(id, rule);
                        routes.add(route(id, rule, hosts));
                    }
                }
            }
            List<Problem> problems = new ArrayList<>();
            table = RoutingTable.compile(routes, problems);
            routes.forEach(route -> Rewriter.compile(route, problems));
            assertThat(problems).isEmpty();
            String name = gateway.get(0).get("name").asText();
            int dash = name.lastIndexOf("port-");
            port = dash < 0 ? 80 : Integer.parseInt(name.substring(dash + 5));
        }

        /** The hosts that a route has in common with the listeners it stands on; null for none at all. */
        private static List<String> hosts(JsonNode route, Map<String, JsonNode> listeners) {
            List<String> own = new ArrayList<>();
            route.at("/spec/hostnames").forEach(host -> own.add(host.asText()));
            List<String> ofListeners = new ArrayList<>();
            boolean everyHost = true;
            for (JsonNode parent : route.at("/spec/parentRefs")) {
                String section = parent.path("sectionName").asText("");
                for (JsonNode listener :
                        listeners.getOrDefault(parent.get("name").asText(), parent.path("none"))) {
                    boolean mine = section.isEmpty()
                            || section.equals(listener.get("name").asText());
                    if (mine && listener.has("hostname")) {
                        ofListeners.add(listener.get("hostname").asText());
                        everyHost = false;
                    }
                }
            }
            if (everyHost) {
                return own;
            }
            if (own.isEmpty()) {
                return ofListeners;
            }
            List<String> common = new ArrayList<>();
            for (String mine : own) {
                for (String theirs : ofListeners) {
                    HostPattern both = HostPattern.parse(mine).and(HostPattern.parse(theirs));
                    if (both != null && !common.contains(both.toString())) {
                        common.add(both.toString());
                    }
                }
            }
            return common.isEmpty() ? null : common;
        }

        private static Route route(String id, JsonNode rule, List<String> hosts) {
            List<Match> matches = new ArrayList<>();
            rule.path("matches").forEach(match -> matches.add(match(match)));
            Match match = matches.isEmpty() ? Match.any() : Match.anyOf(matches.toArray(new Match[0]));
            if (!hosts.isEmpty()) {
                match = Match.host(hosts.toArray(new String[0])).and(match);
            }
            Route.Builder route = Route.builder(id).match(match).answer(Response.of(200));
            List<JsonNode> filters = new ArrayList<>();
            rule.path("filters").forEach(filters::add);
            if (rule.path("backendRefs").size() == 1) {
                rule.at("/backendRefs/0").path("filters").forEach(filters::add);
            }
            Rewrite rewrite = Rewrite.none();
            for (JsonNode filter : filters) {
                if (filter.has("requestRedirect")) {
                    route.redirect(redirect(filter.get("requestRedirect")));
                }
                rewrite = rewritten(rewrite, filter);
            }
            return route.rewrite(rewrite).build();
        }

        private static Match match(JsonNode json) {
            Match match = Match.any();
            if (json.has("path")) {
                String value = json.at("/path/value").asText();
                match = json.at("/path/type").asText().equals("Exact") ? Match.path(value) : Match.prefix(value);
            }
            if (json.has("method")) {
                match = match.method(json.get("method").asText());
            }
            for (JsonNode header : json.path("headers")) {
                match = match.header(
                        header.get("name").asText(), header.get("value").asText());
            }
            for (JsonNode query : json.path("queryParams")) {
                match = match.query(
                        query.get("name").asText(), query.get("value").asText());
            }
            return match;
        }

        private static Redirect redirect(JsonNode json) {
            Redirect redirect = Redirect.status(json.path("statusCode").asInt(302));
            if (json.has("scheme")) {
                redirect = redirect.scheme(json.get("scheme").asText());
            }
            if (json.has("hostname")) {
                redirect = redirect.host(json.get("hostname").asText());
            }
            if (json.has("port")) {
                redirect = redirect.port(json.get("port").asInt());
            }
            if (json.at("/path").has("replaceFullPath")) {
                redirect = redirect.path(json.at("/path/replaceFullPath").asText());
            }
            if (json.at("/path").has("replacePrefixMatch")) {
                redirect = redirect.prefix(json.at("/path/replacePrefixMatch").asText());
            }
            return redirect;
        }

        private static Rewrite rewritten(Rewrite before, JsonNode filter) {
            Rewrite rewrite = before;
            JsonNode url = filter.path("urlRewrite");
            if (url.has("hostname")) {
                rewrite = rewrite.host(url.get("hostname").asText());
            }
            if (url.path("path").has("replaceFullPath")) {
                rewrite = rewrite.path(url.at("/path/replaceFullPath").asText());
            }
            if (url.path("path").has("replacePrefixMatch")) {
                rewrite = rewrite.prefix(url.at("/path/replacePrefixMatch").asText());
            }
            JsonNode request = filter.path("requestHeaderModifier");
            for (JsonNode header : request.path("set")) {
                rewrite = rewrite.setRequestHeader(
                        header.get("name").asText(), header.get("value").asText());
            }
            for (JsonNode header : request.path("add")) {
                rewrite = rewrite.addRequestHeader(
                        header.get("name").asText(), header.get("value").asText());
            }
            for (JsonNode header : request.path("remove")) {
                rewrite = rewrite.removeRequestHeader(header.asText());
            }
            JsonNode response = filter.path("responseHeaderModifier");
            for (JsonNode header : response.path("set")) {
                rewrite = rewrite.setResponseHeader(
                        header.get("name").asText(), header.get("value").asText());
            }
            for (JsonNode header : response.path("add")) {
                rewrite = rewrite.addResponseHeader(
                        header.get("name").asText(), header.get("value").asText());
            }
            for (JsonNode header : response.path("remove")) {
                rewrite = rewrite.removeResponseHeader(header.asText());
            }
            return rewrite;
        }

        void check(String name, JsonNode json) {
            String host = json.at("/Request/Host").asText("example.org");
            Request request = Request.of(
                            json.at("/Request/Method").asText("GET"),
                            json.at("/Request/Path").asText())
                    .withScheme(port == 443 ? "https" : "http")
                    .withAuthority(port == 8080 ? host + ":8080" : host)
                    .withHeaders(headers(json.at("/Request/Headers")));
            Routed routed = table.find(request, ClientInfo.local(), Tables.NOON);
            if (HEAD_IS_SERVED.contains(name)) {
                assertThat(routed.failure()).isNull();
                return;
            }
            if (json.at("/Response/StatusCode").asInt() == 404) {
                // 405 where another method would be served: the Gateway API knows only 404.
                assertThat(routed.failure()).as(routed.toString()).isNotNull();
                return;
            }
            assertThat(routed.failure()).isNull();
            JsonNode rule = rules.get(routed.route().id());
            if (json.has("Backend")) {
                assertThat(rule.at("/backendRefs/0/name").asText())
                        .isEqualTo(json.get("Backend").asText());
            }
            if (json.at("/Response/StatusCode").asInt() == 500) {
                assertThat(rule.path("backendRefs")).isEmpty();
            }
            if (json.has("RedirectRequest")) {
                checkRedirect(request, routed, json);
            }
            checkRewrite(request, routed, json);
        }

        private static void checkRedirect(Request request, Routed routed, JsonNode json) {
            assertThat(routed.route().destination()).isInstanceOf(Destination.ToRedirect.class);
            List<Problem> problems = new ArrayList<>();
            Response response = Redirector.compile(routed.route(), problems).answer(request, routed);
            assertThat(problems).isEmpty();
            assertThat(response.status())
                    .isEqualTo(json.at("/Response/StatusCode").asInt());
            URI location = URI.create(response.header("Location"));
            JsonNode expected = json.get("RedirectRequest");
            assertThat(location.getPort()).isEqualTo(expected.path("Port").asInt(-1));
            if (expected.has("Scheme")) {
                assertThat(location.getScheme())
                        .isEqualTo(expected.get("Scheme").asText());
            }
            if (expected.has("Host")) {
                assertThat(location.getHost()).isEqualTo(expected.get("Host").asText());
            }
            String path = json.at("/Request/Path").asText();
            // The suite names the path without what the prefix leaves behind.
            assertThat(location.getPath()).startsWith(expected.path("Path").asText(path));
        }

        private static void checkRewrite(Request request, Routed routed, JsonNode json) {
            List<Problem> problems = new ArrayList<>();
            Rewriter rewriter = Rewriter.compile(routed.route(), problems);
            assertThat(problems).isEmpty();
            Request sent = rewriter.request(request, routed);
            JsonNode expected = json.at("/ExpectedRequest/Request");
            if (expected.has("Path")) {
                assertThat(sent.target()).isEqualTo(expected.get("Path").asText());
            }
            if (expected.has("Host")) {
                assertThat(routed.route().rewrite().host())
                        .isEqualTo(expected.get("Host").asText());
            }
            checkHeaders(sent.headers(), expected.path("Headers"), json.at("/ExpectedRequest/AbsentHeaders"));
            Response answered =
                    rewriter.response(Response.of(200).withHeaders(headers(json.path("BackendSetResponseHeaders"))));
            checkHeaders(answered.headers(), json.at("/Response/Headers"), json.at("/Response/AbsentHeaders"));
        }

        private static void checkHeaders(Headers headers, JsonNode expected, JsonNode absent) {
            expected.properties()
                    .forEach(header -> assertThat(String.join(",", headers.all(header.getKey())))
                            .as(header.getKey())
                            .isEqualTo(header.getValue().asText()));
            absent.forEach(name -> assertThat(headers.contains(name.asText()))
                    .as(name.asText())
                    .isFalse());
        }

        private static Headers headers(JsonNode json) {
            Headers.Builder headers = Headers.builder();
            json.properties()
                    .forEach(header ->
                            headers.add(header.getKey(), header.getValue().asText()));
            return headers.build();
        }
    }
}
