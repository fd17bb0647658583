package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.UpstreamTls;
import dev.postern.runtime.KubernetesDiscovery;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.discovery.ScriptedServices.OpenCall;
import dev.postern.runtime.rig.Fuzz;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Parsers of this package, for the fuzzer. */
public final class DiscoveryFuzz {
    private static final Endpoint REGISTRY = Endpoint.of("http://127.0.0.1:1");
    // Held, as loggers are collected with what was set on them.
    private static final Logger LOG = Logger.getLogger("dev.postern.discovery");

    private DiscoveryFuzz() {}

    /** A slice of Kubernetes names endpoints, none of them twice, or is a bad answer. Source looks at each of them. */
    public static Fuzz.Target slices() {
        return input -> {
            JsonNode slice;
            try {
                slice = Json.read(input);
            } catch (IOException refused) {
                return 0;
            }
            Slices slices = new Slices(input.length % 5 == 0 ? "web" : "", input.length % 2 == 0);
            slices.put(slice);
            List<Endpoint> endpoints;
            try {
                endpoints = slices.endpoints();
            } catch (BadAnswer | IllegalArgumentException refused) {
                return 1;
            }
            int bad = 0;
            Set<String> seen = new HashSet<>();
            for (Endpoint endpoint : endpoints) {
                if (!seen.add(endpoint.uri())) {
                    throw new IllegalStateException("twice: " + endpoint.uri());
                }
                bad += EndpointAddress.problem(endpoint.uri()) == null ? 0 : 1;
            }
            return 2 + bad + 8 * endpoints.size();
        };
    }

    /** A watch of Kubernetes always has a call under way or comes back, whatever the lines say: one a call, or one more event. */
    public static Fuzz.Target kubernetes() {
        return quiet(input -> {
            ScriptedServices services = new ScriptedServices();
            int[] told = new int[2];
            Discovery.Watch watch = KubernetesDiscovery.service("shop", "orders")
                    .apiServer(REGISTRY.uri(), UpstreamTls.verified())
                    .watch(services, list -> {
                        check(!list.isEmpty(), "told an empty list");
                        check(new HashSet<>(list).size() == list.size(), "told twice: " + list);
                        told[0]++;
                        told[1] = list.size();
                    });
            for (String line : new String(input, StandardCharsets.ISO_8859_1).split("\n", 12)) {
                OpenCall call = services.lastCall();
                int calls = services.calls.size();
                // What begins with a digit is told with a status of its own.
                call.reader.head(line.startsWith("4") ? 410 : line.startsWith("5") ? 500 : 200);
                call.reader.line(line);
                if (call.request.target().contains("&watch=1") && line.length() % 4 != 0) {
                    check(services.time.pending() == 0, "asks before its call has ended");
                    continue;
                }
                call.reader.end(line.length() % 7 == 0 ? new IOException("broken") : null);
                check(services.time.pending() == 1, "will not come back: " + services.time.pending());
                services.time.advance(Duration.ofSeconds(31));
                check(services.calls.size() == calls + 1, "did not come back");
            }
            watch.stop();
            check(services.lastCall().stopped && services.time.pending() == 0, "goes on");
            return Math.min(3, told[0]) * 64 + told[1] * 8 + Math.min(7, services.calls.size());
        });
    }

    /** An answer of Consul is a list or a bad answer, and the next question can be asked. Before the first line end: its index. */
    public static Fuzz.Target consul() {
        ScriptedServices services = new ScriptedServices();
        return input -> {
            String text = new String(input, StandardCharsets.ISO_8859_1);
            int end = Math.max(0, text.indexOf('\n'));
            Response answer;
            try {
                answer = Response.text(200, text.substring(end)).withHeader("X-Consul-Index", text.substring(0, end));
            } catch (IllegalArgumentException noField) {
                return 0;
            }
            services.network = request -> CompletableFuture.completedFuture(answer);
            ConsulPoll poll = new ConsulPoll(
                    services,
                    REGISTRY,
                    Request.get("/v1/health/service/a?passing"),
                    input.length % 2 == 0,
                    Duration.ofSeconds(60));
            int kind = judged(poll::ask);
            services.asked.clear();
            check(kind == judged(poll::ask), "another answer the second time");
            return kind * 2 + (services.asked.get(0).target().contains("&index=") ? 1 : 0);
        };
    }

    /** The same of Eureka. */
    public static Fuzz.Target eureka() {
        ScriptedServices services = new ScriptedServices();
        return input -> {
            Response answer = Response.text(200, new String(input, StandardCharsets.ISO_8859_1));
            services.network = request -> CompletableFuture.completedFuture(answer);
            services.asked.clear();
            return judged(new EurekaPoll(
                    services, REGISTRY, Request.get("/a"), input.length % 3 == 0, Duration.ofSeconds(30))::ask);
        };
    }

    /** What an SRV record names is an endpoint, or one that Source leaves out. */
    public static Fuzz.Target services() {
        ScriptedServices services = new ScriptedServices();
        return input -> {
            String name = new String(input, StandardCharsets.UTF_8);
            services.srv = CompletableFuture.completedFuture(List.of(
                    new Lookups.Service(name, 80 + input.length, 0, input.length, Duration.ofSeconds(5)),
                    new Lookups.Service("b.example", input.length, 1, 0, Duration.ofSeconds(7))));
            DnsPoll poll = new DnsPoll(
                    services.lookups(),
                    "_http._tcp.a.example",
                    null,
                    input.length % 2 == 0,
                    input.length % 3 == 0 ? "priority" : null,
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(60));
            return judged(poll::services);
        };
    }

    /** A file counts whole or not at all. */
    public static Fuzz.Target file() {
        return input -> {
            List<Endpoint> endpoints;
            try {
                endpoints = FilePoll.endpoints(input);
            } catch (IOException refused) {
                return String.valueOf(refused.getMessage())
                                .replaceAll("[^a-z]+", "")
                                .hashCode()
                        & 63;
            }
            for (Endpoint endpoint : endpoints) {
                check(EndpointAddress.problem(endpoint.uri()) == null, endpoint.uri());
            }
            return 64 + weights(endpoints) * 16 + endpoints.size();
        };
    }

    private static int judged(Supplier<CompletionStage<Found>> question) {
        CompletableFuture<Found> answer = question.get().toCompletableFuture();
        check(answer.isDone(), "no answer");
        Found found;
        try {
            found = answer.join();
        } catch (CompletionException failed) {
            check(failed.getCause() instanceof BadAnswer, "fails otherwise: " + failed.getCause());
            return String.valueOf(failed.getCause().getMessage())
                            .replaceAll("[^a-z]+", "")
                            .hashCode()
                    & 63;
        }
        check(!found.next().isNegative(), "next " + found.next());
        check(Registry.sorted(found.endpoints()).equals(found.endpoints()), "not in order: " + found.endpoints());
        int bad = 0;
        for (Endpoint endpoint : found.endpoints()) {
            bad += EndpointAddress.problem(endpoint.uri()) == null ? 0 : 1;
        }
        return 64 + 16 * weights(found.endpoints()) + 4 * found.endpoints().size() + bad;
    }

    private static int weights(List<Endpoint> endpoints) {
        int heaviest = 0;
        for (Endpoint endpoint : endpoints) {
            heaviest = Math.max(heaviest, endpoint.weight());
        }
        return Integer.SIZE - Integer.numberOfLeadingZeros(heaviest);
    }

    /** Each refusal is a line of the log. */
    private static Fuzz.Target quiet(Fuzz.Target target) {
        return input -> {
            Level before = LOG.getLevel();
            LOG.setLevel(Level.OFF);
            try {
                return target.run(input);
            } finally {
                LOG.setLevel(before);
            }
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
