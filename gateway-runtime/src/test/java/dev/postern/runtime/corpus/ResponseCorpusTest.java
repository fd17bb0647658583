package dev.postern.runtime.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.RawOrigin.Received;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Responses that two parsers could read differently, through a real gateway with one connection to the origin: a client gets
 * the response as it was, or a 502, or a visible cut; and whatever an origin says, the next exchange gets its own answer.
 */
class ResponseCorpusTest {
    @RegisterExtension
    // One loop: whoever comes next finds the connection of the one before.
    final GatewayRig rig = GatewayRig.ofLoops(1);

    private static final List<Case> CASES = Corpus.of("responses");
    private static final Set<String> NOT_COMPARED = Set.of("content-length", "transfer-encoding", "date", "connection");

    private final AtomicReference<Case> current = new AtomicReference<>();
    private final List<String> wrong = new ArrayList<>();

    @Test
    void every_response_arrives_as_it_was_or_visibly_not() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            if (request.line().startsWith("GET /next ")) {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext".getBytes(StandardCharsets.US_ASCII));
                return true;
            }
            Case each = current.get();
            out.write(each.bytes());
            out.flush();
            return !"close".equals(each.settings().get("end"));
        });
        Running running = rig.start(gateway -> gateway.upstream(Upstream.builder("origin")
                        .endpoints(origin.url())
                        .maxConnections(1)
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("origin")
                        .build()));
        for (Case each : CASES) {
            run(each, running, origin);
            if (each.twin().length > 0) {
                run(twin(each), running, origin);
            }
        }
        assertThat(wrong).as("%d cases", CASES.size()).isEmpty();
    }

    @Test
    void the_corpus_is_as_large_and_as_varied_as_promised() {
        assertThat(CASES).hasSizeGreaterThanOrEqualTo(200);
        assertThat(CASES.stream().map(Case::toString)).doesNotHaveDuplicates();
        assertThat(CASES.stream()
                        .filter(each -> each.isRefused() || each.isCut())
                        .filter(each -> each.twin().length == 0))
                .as("refused, without a twin that passes")
                .isEmpty();
        assertThat(CASES.stream().collect(Collectors.groupingBy(Case::topic, Collectors.counting())))
                .allSatisfy((topic, count) -> assertThat(count).as(topic).isGreaterThanOrEqualTo(5));
    }

    private static Case twin(Case each) {
        return new Case(
                each.topic(),
                each.name() + " (twin)",
                each.twinExpect(),
                "",
                Map.of(),
                "",
                List.of(),
                List.of(each.twin()),
                new byte[0],
                Map.of("method", each.settings().getOrDefault("method", "GET")));
    }

    private void run(Case each, Running running, RawOrigin origin) throws IOException {
        current.set(each);
        String method = each.settings().getOrDefault("method", "GET");
        try (RawClient client = new RawClient(running.port());
                RawClient another = new RawClient(running.port())) {
            client.request(method, "/case", "");
            Answer answer = method.equals("HEAD") ? client.readHead() : client.read();
            check(each, method, answer);
            Answer next = another.get("/next").read();
            assertThat(next.status() + " " + next.text()).as("the next answer").isEqualTo("200 next");
            checkPool(each, origin);
        } catch (AssertionError | IOException | RuntimeException e) {
            wrong.add(each + " expects " + each.expect() + " but " + e.getMessage());
        }
    }

    private static void check(Case each, String method, Answer answer) {
        if (each.isRefused()) {
            assertThat(answer.status()).as("status of %s", answer).isEqualTo(each.status());
            assertThat(answer.text()).contains(each.reason());
            return;
        }
        if (each.isCut()) {
            // Either what has come of it already went on, or nothing had.
            boolean bad = answer.status() == 502 && answer.text().contains("response_");
            assertThat(answer.complete() && !bad).as("complete: %s", answer).isFalse();
            return;
        }
        // "twin": all servers and proxies may read it in one way only, and it is written so.
        byte[] meant = each.expect().equals("twin") ? each.twin() : each.bytes();
        Said said = Said.read(meant, method);
        assertThat(answer.status()).as("status of %s", answer).isEqualTo(said.status());
        assertThat(answer.complete()).as("complete").isTrue();
        assertThat(answer.body()).as("body").isEqualTo(said.body());
        assertThat(compared(answer.lines(), Set.of())).as("fields").isEqualTo(compared(said.lines(), gone(each)));
        boolean bodiless = method.equals("HEAD") || answer.status() == 304;
        if (bodiless) {
            assertThat(answer.header("content-length")).isEqualTo(said.only("content-length"));
        }
    }

    private static Set<String> gone(Case each) {
        return each.gone().keySet().stream()
                .map(name -> name.toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
    }

    private static List<String> compared(List<String> lines, Set<String> gone) {
        return lines.stream()
                .filter(line -> {
                    String name = line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT);
                    return !NOT_COMPARED.contains(name) && !gone.contains(name);
                })
                .map(line -> line.replaceFirst(":[ \t]*", ": ").stripTrailing())
                .toList();
    }

    private static void checkPool(Case each, RawOrigin origin) {
        List<Received> received = origin.received();
        int last = received.size() - 1;
        boolean kept = received.get(last).connection() == received.get(last - 1).connection();
        String pool = each.settings().get("pool");
        if (pool != null) {
            assertThat(kept ? "kept" : "dropped").as("the connection").isEqualTo(pool);
        }
        if (each.isRefused() || each.isCut()) {
            assertThat(kept).as("the connection is kept").isFalse();
        }
    }

    /** A final response, read by the rules of RFC 9112 6.3. */
    private record Said(int status, List<String> lines, byte[] body) {
        static Said read(byte[] bytes, String method) {
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            int status;
            List<String> lines;
            do {
                int end = text.indexOf("\r\n\r\n");
                List<String> head = List.of(text.substring(0, end).split("\r\n"));
                status = Integer.parseInt(head.get(0).split(" ")[1]);
                lines = head.subList(1, head.size());
                text = text.substring(end + 4);
            } while (status < 200);
            Said bare = new Said(status, lines, new byte[0]);
            if (method.equals("HEAD") || status == 204 || status == 304) {
                return bare;
            }
            String length = bare.only("content-length");
            String body = bare.only("transfer-encoding") != null
                    ? chunks(text)
                    : length == null ? text : text.substring(0, Integer.parseInt(length));
            return new Said(status, lines, body.getBytes(StandardCharsets.ISO_8859_1));
        }

        String only(String name) {
            return lines.stream()
                    .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst()
                    .orElse(null);
        }

        private static String chunks(String text) {
            StringBuilder body = new StringBuilder();
            int at = 0;
            while (true) {
                int end = text.indexOf("\r\n", at);
                int size = Integer.parseInt(text.substring(at, end).split(";")[0], 16);
                if (size == 0) {
                    return body.toString();
                }
                body.append(text, end + 2, end + 2 + size);
                at = end + 2 + size + 2;
            }
        }
    }
}
