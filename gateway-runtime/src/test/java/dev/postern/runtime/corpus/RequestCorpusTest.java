package dev.postern.runtime.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.runtime.corpus.Seen.Field;
import dev.postern.runtime.corpus.TapOrigin.Tapped;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.Running;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The desync corpus through a real gateway: what is refused never reaches the origin and ends the connection with the status
 * of the table; what is forwarded is one and the same request for every parser of the {@link Garden}.
 */
class RequestCorpusTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static final List<Case> CASES = Corpus.of("requests");
    private static final Pattern CODE = Pattern.compile("\"code\":\"([a-z0-9_.]+)\"");
    private static final Set<String> NOT_COMPARED = Set.of(
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "forwarded",
            "x-request-id");

    // Filters that fail are part of the corpus: their stacks would fill the log.
    private static final Logger FAILURES = Logger.getLogger("dev.postern.runtime.pipeline.GatewayExchange");

    private final List<String> wrong = new ArrayList<>();

    @BeforeAll
    static void mute() {
        FAILURES.setLevel(Level.OFF);
    }

    @AfterAll
    static void unmute() {
        FAILURES.setLevel(null);
    }

    @Test
    void every_request_is_refused_or_forwarded_as_the_table_says() throws Exception {
        TapOrigin origin = rig.close(new TapOrigin());
        Running running = rig.start(gateway ->
                CorpusGateway.of(gateway, origin.url(), Listener.http(0).host("127.0.0.1")));
        Map<String, Tapped> forwarded = new LinkedHashMap<>();
        for (Case each : CASES) {
            forwarded.putAll(run(each, running, origin));
            if (each.twin().length > 0) {
                forwarded.putAll(run(twin(each), running, origin));
            }
        }
        assertThat(wrong).as("%d cases", CASES.size()).isEmpty();
        assertThat(origin.taken()).as("late requests").isEmpty();
        Garden garden = new Garden(Plants.all());
        try {
            assertThat(garden.compare(forwarded.values()))
                    .as("parsers that saw something else")
                    .isEmpty();
        } finally {
            garden.stop();
        }
    }

    /** Whether there is a guard or not: what the second layer refuses it refuses alone, too. */
    @Test
    void the_second_layer_refuses_what_it_can_see_without_the_byte_guard() throws Exception {
        TapOrigin origin = rig.close(new TapOrigin());
        Running running = rig.start(gateway -> CorpusGateway.of(
                gateway,
                origin.url(),
                Listener.http(0)
                        .host("127.0.0.1")
                        .withoutByteGuard()
                        .limits(Limits.standard().keepAlive(Duration.ofSeconds(5)))));
        for (Case each : CASES) {
            if (!each.unguarded().isEmpty()
                    && Character.isDigit(each.unguarded().charAt(0))) {
                Case alone = new Case(
                        each.topic(),
                        each.name() + " (no guard)",
                        each.unguarded(),
                        "",
                        Map.of(),
                        "",
                        List.of(),
                        each.parts(),
                        new byte[0],
                        Map.of());
                run(alone, running, origin);
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void the_corpus_is_as_large_and_as_varied_as_promised() {
        assertThat(CASES).hasSizeGreaterThanOrEqualTo(400);
        assertThat(CASES.stream().filter(Case::isForwarded)).hasSizeGreaterThanOrEqualTo(150);
        assertThat(CASES.stream().map(Case::toString)).doesNotHaveDuplicates();
        assertThat(CASES.stream()
                        .filter(each -> each.isRefused() || each.isCut())
                        .filter(each -> each.twin().length == 0))
                .as("refused, without a twin that passes")
                .isEmpty();
        assertThat(CASES.stream().collect(Collectors.groupingBy(Case::topic, Collectors.counting())))
                .allSatisfy((topic, count) -> assertThat(count).as(topic).isGreaterThanOrEqualTo(5));
        assertThat(CASES.stream()
                        .map(each -> new String(each.bytes(), StandardCharsets.ISO_8859_1))
                        .collect(Collectors.groupingBy(bytes -> bytes, Collectors.counting())))
                .allSatisfy((bytes, count) -> assertThat(count).as(bytes).isLessThanOrEqualTo(2));
    }

    // ---- one case

    private static Case twin(Case each) {
        return new Case(
                each.topic(),
                each.name() + " (twin)",
                each.twinExpect(),
                "",
                each.isRefused() || each.isCut() ? Map.of() : each.gone(),
                "",
                List.of(),
                List.of(each.twin()),
                new byte[0],
                Map.of());
    }

    /** Runs a case, notes what is wrong, and returns what reached the origin, by its bytes without the request's id. */
    private Map<String, Tapped> run(Case each, Running running, TapOrigin origin) throws Exception {
        List<Tapped> tapped = List.of();
        try (RawClient client = new RawClient(running.port())) {
            send(each, client, origin);
            if (each.isForwarded()) {
                tapped = forwarded(each, client, origin);
            } else if (each.isCut()) {
                cut(each, client, origin);
            } else {
                answered(each, client, origin);
            }
        } catch (AssertionError | IOException e) {
            wrong.add(each + " expects " + each.expect() + " but " + e.getMessage());
            origin.taken();
            origin.broken();
        }
        Map<String, Tapped> unique = new LinkedHashMap<>();
        for (Tapped one : tapped) {
            String text = new String(one.bytes(), StandardCharsets.ISO_8859_1);
            unique.put(text.replaceFirst("(?i)X-Request-Id: [0-9a-f]+", ""), one);
        }
        return unique;
    }

    private static void send(Case each, RawClient client, TapOrigin origin) throws IOException {
        int before = origin.heads();
        for (int i = 0; i < each.parts().size(); i++) {
            if (i > 0) {
                await().pollInterval(Duration.ofMillis(1))
                        .atMost(Duration.ofSeconds(5))
                        .until(() -> origin.heads() > before);
            }
            byte[] part = each.parts().get(i);
            try {
                client.send(part, 0, part.length);
            } catch (SocketException closed) {
                // Refused before all was sent; the answer is there to be read.
            }
        }
        if (each.isCut()) {
            client.socket().shutdownOutput();
        }
    }

    private List<Tapped> forwarded(Case each, RawClient client, TapOrigin origin) throws IOException {
        List<Seen> expected = Seen.all(each.bytes());
        if (!each.expect().equals("same")) {
            String[] words = each.expect().split(" ");
            expected.set(0, expected.get(0).with(words[0], words[1]));
        }
        for (Seen request : expected) {
            Answer answer = readFinal(client, request.method());
            assertThat(answer.status()).as("status of %s", answer).isEqualTo(200);
        }
        if (expected.get(expected.size() - 1).closes()) {
            assertThat(client.isAtEnd()).as("closed").isTrue();
        } else {
            assertThat(client.available()).as("further bytes").isZero();
        }
        List<Tapped> tapped = origin.taken();
        assertThat(tapped).as("requests at the origin").hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            Seen sent = expected.get(i);
            Seen seen = tapped.get(i).seen();
            // The host is the gateway's own affair.
            assertThat(new Seen(seen.method(), seen.target(), sent.host(), seen.fields(), seen.body()))
                    .isEqualTo(sent);
            assertThat(compared(seen, each)).as("fields").isEqualTo(compared(sent, each));
            for (Map.Entry<String, String> gone : each.gone().entrySet()) {
                assertThat(seen.fields())
                        .noneMatch(field -> field.name().equalsIgnoreCase(gone.getKey())
                                && (gone.getValue().isEmpty() || field.value().contains(gone.getValue())));
            }
        }
        return tapped;
    }

    /** The fields that must be the same on both sides, in order. */
    private static List<Field> compared(Seen seen, Case each) {
        Set<String> gone = each.gone().keySet().stream()
                .map(name -> name.toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
        return seen.fields().stream()
                .filter(field -> !NOT_COMPARED.contains(field.name().toLowerCase(Locale.ROOT)))
                .filter(field -> !gone.contains(field.name().toLowerCase(Locale.ROOT)))
                .filter(field -> !(field.name().equals("Via") && field.value().equals("1.1 postern")))
                .filter(field -> !field.name().equals("X-Name"))
                .toList();
    }

    private static void cut(Case each, RawClient client, TapOrigin origin) throws IOException {
        try {
            assertThat(client.read().status()).isEqualTo(400);
        } catch (EOFException | SocketException closed) {
            // Also right: the request was under way.
        }
        List<String> broken = new ArrayList<>();
        await().pollInterval(Duration.ofMillis(1)).atMost(Duration.ofSeconds(5)).until(() -> {
            broken.addAll(origin.broken());
            return !broken.isEmpty();
        });
        assertThat(origin.taken()).as("complete requests at the origin").isEmpty();
        assertThat(broken.toString()).doesNotContain("smuggled");
    }

    private void answered(Case each, RawClient client, TapOrigin origin) throws IOException {
        List<Integer> statuses = new ArrayList<>();
        if (each.isRefused()) {
            statuses.add(each.status());
        } else {
            for (String status : each.expect().substring("answers ".length()).split(" ")) {
                statuses.add(Integer.valueOf(status));
            }
        }
        Answer answer = null;
        boolean closed = false;
        for (int status : statuses) {
            if (closed) {
                // A connection that was closed behind the first answer is as good as a second answer.
                break;
            }
            answer = readFinal(client, methodOf(each));
            assertThat(answer.status()).as("status of %s", answer).isEqualTo(status);
            closed = "close".equals(answer.header("Connection"));
        }
        if (each.isRefused()) {
            assertThat(reason(answer, each)).isEqualTo(each.reason());
            boolean breaks = each.status() == 500;
            assertThat(answer.header("Connection")).as("Connection").isEqualTo(breaks ? null : "close");
            assertThat(answer.complete()).isTrue();
        }
        if (closed) {
            // Otherwise the gateway waits a while for the rest of the body.
            client.socket().shutdownOutput();
            assertThat(client.isAtEnd()).as("closed").isTrue();
        }
        assertThat(origin.taken().stream().map(tapped -> tapped.seen().target()))
                .as("requests at the origin")
                .isEqualTo(each.origin());
        assertThat(origin.broken()).isEmpty();
    }

    private static String methodOf(Case each) {
        return new String(each.bytes(), StandardCharsets.ISO_8859_1).startsWith("HEAD ") ? "HEAD" : "GET";
    }

    private static String reason(Answer answer, Case each) {
        Matcher code = CODE.matcher(answer.text());
        return code.find() ? code.group(1) : "no reason";
    }

    private static Answer readFinal(RawClient client, String method) throws IOException {
        Answer answer;
        do {
            answer = method.equals("HEAD") ? client.readHead() : client.read();
        } while (answer.status() < 200);
        return answer;
    }
}
