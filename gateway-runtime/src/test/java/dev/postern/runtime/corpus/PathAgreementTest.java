package dev.postern.runtime.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.corpus.TapOrigin.Tapped;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.Running;
import dev.postern.testing.ManualTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Random targets through random rewrite rules: what a filter saw is what was forwarded, and both are what {@link PathModel},
 * an implementation of its own, reads in the bytes that the client sent.
 *
 * <p>{@code -Dpostern.paths=10000000} and {@code -Dpostern.paths.wire=100000} make the long runs, {@code -Dpostern.seed=…}
 * repeats one.
 */
class PathAgreementTest {
    private static final int IN_PROCESS = Integer.getInteger("postern.paths", 20_000);
    private static final int ON_THE_WIRE = Integer.getInteger("postern.paths.wire", 1_000);
    private static final long SEED = Long.getLong("postern.seed", 3);
    private static final int RULES = 60;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private String filterSaw = "";
    private String originGot = "";
    private int accepted;

    @Test
    void in_process_a_filter_an_origin_and_the_model_see_one_path() throws Exception {
        Random random = new Random(SEED);
        List<PathRule> rules = PathRule.random(random, RULES);
        TargetGrammar grammar = new TargetGrammar(random);
        Gateway gateway = configured(Gateway.builder().runtime(rig.runtime()).time(ManualTime.create()), rules)
                .upstream(Upstream.local("origin", (request, exchange) -> {
                    originGot = request.target();
                    return CompletableFuture.completedFuture(Response.of(204));
                }))
                .build();
        gateway.start();
        try (gateway) {
            for (int i = 0; i < IN_PROCESS; i++) {
                PathRule rule = rules.get(random.nextInt(RULES));
                String target = grammar.target(rule.root());
                int status = handled(gateway, target);
                judge(rule, target, status);
                if (status == 204 && i % 8 == 0) {
                    // What was seen once is seen the same again: nothing is left to be made canonical.
                    String before = filterSaw;
                    int again = handled(gateway, before);
                    assertThat(again).as(before).isEqualTo(204);
                    assertThat(filterSaw).isEqualTo(before);
                }
            }
        }
        assertThat(accepted).as("accepted of %d", IN_PROCESS).isGreaterThanOrEqualTo(IN_PROCESS / 2);
    }

    private int handled(Gateway gateway, String target) {
        originGot = "";
        filterSaw = "";
        Request request;
        try {
            request = Request.of("GET", target);
        } catch (IllegalArgumentException notEvenARequest) {
            return 400;
        }
        CompletableFuture<Response> answer =
                gateway.handle(request, ClientInfo.local()).toCompletableFuture();
        assertThat(answer).isDone();
        Response response = answer.join();
        response.body().discard();
        return response.status();
    }

    @Test
    void over_sockets_a_filter_an_origin_and_the_model_see_one_path() throws Exception {
        Random random = new Random(SEED);
        List<PathRule> rules = PathRule.random(random, RULES);
        TargetGrammar grammar = new TargetGrammar(random);
        TapOrigin origin = rig.close(new TapOrigin());
        Running running = rig.start(gateway -> configured(gateway, rules)
                        .upstream(Upstream.builder("origin")
                                .endpoints(origin.url())
                                .build()))
                .keepNothing();
        RawClient client = new RawClient(running.port());
        try {
            for (int i = 0; i < ON_THE_WIRE; i++) {
                PathRule rule = rules.get(random.nextInt(RULES));
                String target = grammar.target(rule.root());
                filterSaw = "";
                Answer answer = client.get(target).read();
                List<Tapped> tapped = origin.taken();
                assertThat(tapped).as(target).hasSize(answer.status() == 200 ? 1 : 0);
                originGot = tapped.isEmpty() ? "" : tapped.get(0).seen().target();
                judge(rule, target, answer.status());
                if ("close".equals(answer.header("Connection"))) {
                    client.close();
                    client = new RawClient(running.port());
                }
            }
        } finally {
            client.close();
        }
        assertThat(accepted).as("accepted of %d", ON_THE_WIRE).isGreaterThanOrEqualTo(ON_THE_WIRE / 2);
    }

    private GatewayBuilder configured(GatewayBuilder gateway, List<PathRule> rules) {
        gateway.filter(Filter.named("recorder", (request, chain) -> {
            filterSaw = request.path();
            return chain.proceed(request);
        }));
        for (PathRule rule : rules) {
            gateway.route(rule.route());
        }
        return gateway;
    }

    private void judge(PathRule rule, String target, int status) {
        String path = target.contains("?") ? target.substring(0, target.indexOf('?')) : target;
        PathModel model = PathModel.of(path);
        if (status >= 300) {
            assertThat(originGot).as("%s was refused with %d", target, status).isEmpty();
            assertThat(status).as(target).isIn(400, 404, 500);
            // A refusal by a rewrite is the rule's, and only where pieces are glued together.
            assertThat(status == 500 && !rule.mayRefuse())
                    .as("%s by %s", target, rule)
                    .isFalse();
            return;
        }
        accepted++;
        assertThat(model).as("%s was forwarded as %s", target, originGot).isNotNull();
        String forwarded = originGot.contains("?") ? originGot.substring(0, originGot.indexOf('?')) : originGot;
        // 1. The query is as it was, byte for byte.
        assertThat(originGot.substring(forwarded.length())).as(target).isEqualTo(target.substring(path.length()));
        // 2. A filter saw what the model reads, and nothing in it could be read in another way.
        assertThat(PathModel.plain(filterSaw)).as("%s, by a filter", target).isEqualTo(model);
        // 3. So did the origin, after the rule.
        assertThat(PathModel.plain(forwarded))
                .as("%s by %s, at the origin", target, rule)
                .isEqualTo(rule.expected(model));
        if (rule.keepsPath()) {
            assertThat(forwarded).as(target).isEqualTo(filterSaw);
        }
    }

    /** A route with a random rewrite, and what it should do to the pieces of a path. */
    private record PathRule(String root, Kind kind, List<String> added) {
        private enum Kind {
            NONE,
            PREFIX,
            STRIP,
            TEMPLATE,
            GLUE
        }

        static List<PathRule> random(Random random, int count) {
            List<PathRule> rules = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                Kind kind = Kind.values()[i % Kind.values().length];
                List<String> added = new ArrayList<>();
                for (int n = 1 + random.nextInt(3); n > 0; n--) {
                    added.add("new" + random.nextInt(100));
                }
                rules.add(new PathRule("r" + i, kind, added));
            }
            return rules;
        }

        boolean keepsPath() {
            return kind == Kind.NONE;
        }

        boolean mayRefuse() {
            return kind == Kind.GLUE;
        }

        Route route() {
            String base = '/' + String.join("/", added);
            Route.Builder route = Route.builder(root);
            switch (kind) {
                case NONE -> route.match(Match.prefix('/' + root));
                case PREFIX ->
                    route.match(Match.prefix('/' + root)).rewrite(Rewrite.none().prefix(base));
                case STRIP ->
                    route.match(Match.prefix('/' + root)).rewrite(Rewrite.none().prefix("/"));
                case TEMPLATE ->
                    route.match(Match.path('/' + root + "/{first}/{rest...}"))
                            .rewrite(Rewrite.none().path(base + "/{first}/x/{rest}"));
                case GLUE ->
                    route.match(Match.prefix('/' + root).and(Match.pathRegex('/' + root + "/(?P<a>[^/]*)/(?P<b>.*)")))
                            .rewrite(Rewrite.none().path(base + "/{a}{b}"));
            }
            return route.to("origin").build();
        }

        PathModel expected(PathModel path) {
            List<String> old = path.segments();
            List<String> result = new ArrayList<>(added);
            switch (kind) {
                case NONE -> {
                    return path;
                }
                case STRIP -> {
                    result.clear();
                    result.addAll(old.subList(1, old.size()));
                    return new PathModel(result, path.slash() || result.isEmpty());
                }
                case PREFIX -> result.addAll(old.subList(1, old.size()));
                case TEMPLATE -> {
                    result.add(old.get(1));
                    result.add("x");
                    result.addAll(old.subList(2, old.size()));
                    return new PathModel(result, path.slash() || old.size() == 2);
                }
                case GLUE -> {
                    List<String> rest = old.subList(2, old.size());
                    String glued = old.get(1) + (rest.isEmpty() ? "" : rest.get(0));
                    return new PathModel(result, true)
                            .then(
                                    glued,
                                    rest.isEmpty() ? rest : rest.subList(1, rest.size()),
                                    !rest.isEmpty() && path.slash());
                }
            }
            return new PathModel(result, path.slash());
        }
    }
}
