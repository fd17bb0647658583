package dev.postern.runtime.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawHttp2.Stream;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.RawOrigin.Received;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What of the corpus is said in frames (T019 to T023): a stream whose head or length is not to be trusted is refused, the
 * origin sees nothing of it, and another stream of the same connection goes on. The nearest valid ones pass.
 */
class Http2CorpusTest {
    private static final String[] GOOD = {":method", "POST", ":scheme", "http", ":authority", "a.example", ":path", "/x"
    };

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /**
     * A request in frames.
     *
     * @param fields in order, as literals
     * @param data null for none: the head ends the stream
     * @param trailers behind the data, or empty
     * @param passes whether it is forwarded
     */
    private record Framed(String id, String name, String[] fields, String data, String[] trailers, boolean passes) {
        /** The first value of a field, or null. */
        String field(String field) {
            for (int i = 0; i < fields.length; i += 2) {
                if (fields[i].equals(field)) {
                    return fields[i + 1];
                }
            }
            return null;
        }

        @Override
        public String toString() {
            return id + ": " + name + (passes ? " (passes)" : "");
        }
    }

    private final List<Framed> cases = new ArrayList<>();
    private final List<String> wrong = new ArrayList<>();

    @Test
    void a_stream_is_refused_alone_and_reaches_nobody() throws Exception {
        lengths();
        connectionFields();
        values();
        pseudoFields();
        methods();
        assertThat(cases.stream().collect(Collectors.groupingBy(Framed::id, Collectors.counting())))
                .hasSize(5)
                .allSatisfy((id, count) -> assertThat(count).as(id).isGreaterThanOrEqualTo(8));
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.start(gateway -> gateway.listen(
                        Listener.http2Cleartext(0).host("127.0.0.1"))
                .upstream(Upstream.builder("origin").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("origin")
                        .build()));
        for (Framed each : cases) {
            run(each, running, origin);
        }
        assertThat(wrong).as("%d cases", cases.size()).isEmpty();
    }

    private void run(Framed each, Running running, RawOrigin origin) throws IOException {
        int before = origin.received().size();
        try (RawHttp2 client = RawHttp2.client(running.port())) {
            // A stream that is open all the time, to see whether it survives.
            int other = client.next();
            client.headers(other, false, RawHttp2.request("POST", "/other"));
            int mine = client.next();
            boolean headOnly = each.data == null;
            client.send(
                    RawHttp2.HEADERS,
                    RawHttp2.END_HEADERS | (headOnly ? RawHttp2.END_STREAM : 0),
                    mine,
                    RawHttp2.literals(each.fields));
            if (!headOnly) {
                client.data(mine, each.trailers.length == 0, each.data);
                if (each.trailers.length > 0) {
                    client.send(
                            RawHttp2.HEADERS,
                            RawHttp2.END_HEADERS | RawHttp2.END_STREAM,
                            mine,
                            RawHttp2.literals(each.trailers));
                }
            }
            Stream stream = client.await(mine);
            if (each.passes) {
                assertThat(stream.status()).as("%s", stream).isEqualTo(200);
            } else {
                boolean refused =
                        stream.reset() >= 0 || (stream.over() && stream.status() >= 400 && stream.status() < 500);
                assertThat(refused).as("refused: %s", stream).isTrue();
            }
            client.data(other, true, "x");
            assertThat(client.await(other).status()).as("the other stream").isEqualTo(200);
            List<String> seen =
                    origin.received().stream().skip(before).map(Received::line).toList();
            long mineSeen =
                    seen.stream().filter(line -> !line.contains("/other")).count();
            assertThat(mineSeen).as("at the origin: %s", seen).isEqualTo(each.passes ? 1 : 0);
            if (each.passes) {
                forwardedAsSaid(
                        each,
                        origin.received().stream()
                                .skip(before)
                                .filter(received -> !received.line().contains("/other"))
                                .findFirst()
                                .orElseThrow());
            }
        } catch (AssertionError | IOException e) {
            wrong.add(each + ": " + e.getMessage());
        }
    }

    /** The same method and target, and one framing that fits what was sent. */
    private static void forwardedAsSaid(Framed each, Received received) {
        assertThat(received.line()).isEqualTo(each.field(":method") + ' ' + each.field(":path") + " HTTP/1.1");
        String length = received.header("content-length");
        if (each.field("content-length") != null && each.data != null) {
            assertThat(length).isEqualTo("" + each.data.length());
        } else {
            assertThat(length == null || received.header("transfer-encoding") == null)
                    .as("one framing: %s", received)
                    .isTrue();
        }
        // RFC 9110 10.1.4: TE is a field of this connection, and says so.
        assertThat(received.header("connection")).isEqualTo(received.header("te") == null ? null : "TE");
    }

    // ---- cases

    private void add(String id, String name, boolean passes, String data, String... fields) {
        cases.add(new Framed(id, name, fields, data, new String[0], passes));
    }

    private static String[] with(String... more) {
        String[] all = Arrays.copyOf(GOOD, GOOD.length + more.length);
        System.arraycopy(more, 0, all, GOOD.length, more.length);
        return all;
    }

    /** The good head with another value, or without one for null. */
    private static String[] but(String name, String value) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < GOOD.length; i += 2) {
            boolean changed = GOOD[i].equals(name);
            if (!changed || value != null) {
                all.add(GOOD[i]);
                all.add(changed ? value : GOOD[i + 1]);
            }
        }
        return all.toArray(String[]::new);
    }

    private void lengths() {
        String id = "T019";
        add(id, "none", true, "abc", with());
        add(id, "as it is", true, "abc", with("content-length", "3"));
        add(id, "shorter", false, "abc", with("content-length", "2"));
        add(id, "longer", false, "abc", with("content-length", "4"));
        add(id, "of no content", false, null, with("content-length", "3"));
        add(id, "zero of no content", true, null, with("content-length", "0"));
        add(id, "zero", false, "abc", with("content-length", "0"));
        add(id, "two unlike", false, "abc", with("content-length", "3", "content-length", "4"));
        // Netty makes one number of what RFC 9110 8.6 lets a recipient accept, and holds the body to it.
        add(id, "a list of the same", true, "abc", with("content-length", "3, 3"));
        add(id, "two alike", true, "abc", with("content-length", "3", "content-length", "3"));
        add(id, "a list of the same, of another body", false, "abc", with("content-length", "2, 2"));
        add(id, "a list of two", false, "abc", with("content-length", "3, 4"));
        add(id, "signed", false, "abc", with("content-length", "+3"));
        add(id, "negative", false, "abc", with("content-length", "-3"));
        add(id, "hex", false, "abc", with("content-length", "0x3"));
        add(id, "empty", false, "abc", with("content-length", ""));
        add(id, "beyond all", false, "abc", with("content-length", "99999999999999999999"));
    }

    private void connectionFields() {
        String id = "T020";
        for (Map.Entry<String, String> field : List.of(
                Map.entry("transfer-encoding", "chunked"),
                Map.entry("transfer-encoding", "identity"),
                Map.entry("connection", "close"),
                Map.entry("connection", "x-own"),
                Map.entry("keep-alive", "timeout=5"),
                Map.entry("proxy-connection", "keep-alive"),
                Map.entry("upgrade", "websocket"),
                Map.entry("te", "gzip"),
                Map.entry("te", "trailers, deflate"))) {
            add(id, field.toString(), false, "abc", with(field.getKey(), field.getValue()));
        }
        add(id, "te: trailers", true, "abc", with("te", "trailers"));
        add(id, "a name that only looks like one", true, "abc", with("x-connection", "close"));
    }

    private void values() {
        String id = "T021";
        for (String bad : List.of(
                "a\r\nb",
                "a\nb",
                "a\rb",
                "a\0b",
                "a\r\n b",
                "\0",
                "a\u0001b",
                "a\u000bb",
                "a\u007fb",
                "\r\n\r\nGET / HTTP/1.1\r\n")) {
            add(id, "in a value: " + shown(bad), false, "abc", with("x-a", bad));
        }
        for (String bad : List.of("X-Upper", "x a", "x\ra", "x\0a", "x:a", "", "x(a", "x\u00e4", "x_a")) {
            add(id, "in a name: " + shown(bad), false, "abc", with(bad, "1"));
        }
        cases.add(new Framed(id, "in a trailer", GOOD, "abc", new String[] {"x-a", "a\r\nb"}, false));
        add(id, "a tab inside", true, "abc", with("x-a", "a\tb"));
        add(id, "eight bits", true, "abc", with("x-a", "\u00e4"));
        add(id, "an empty value", true, "abc", with("x-a", ""));
    }

    private void pseudoFields() {
        String id = "T022";
        for (String path : List.of(
                "",
                "x",
                "/a b",
                "/a\r\nb",
                "/a\0",
                "/a#b",
                "*",
                "http://a.example/x",
                "/a\u0001",
                "/a\\b",
                "/\u00e4",
                "//a/../../b")) {
            add(id, "path " + shown(path), false, "abc", but(":path", path));
        }
        add(id, "no path", false, "abc", but(":path", null));
        add(id, "no method", false, "abc", but(":method", null));
        add(id, "no scheme", false, "abc", but(":scheme", null));
        add(id, "scheme https on a clear connection", false, "abc", but(":scheme", "https"));
        add(id, "scheme file", false, "abc", but(":scheme", "file"));
        add(id, "scheme with a path", false, "abc", but(":scheme", "http://evil/"));
        add(id, "no authority", false, "abc", but(":authority", null));
        add(id, "an empty authority", false, "abc", but(":authority", ""));
        add(id, "an authority with userinfo", false, "abc", but(":authority", "u@a.example"));
        add(id, "an authority with a path", false, "abc", but(":authority", "a.example/x"));
        add(id, "host unlike authority", false, "abc", with("host", "b.example"));
        add(id, "host like authority", true, "abc", with("host", "a.example"));
        add(id, "two paths", false, "abc", with(":path", "/y"));
        add(
                id,
                "a pseudo-field behind a field",
                false,
                "abc",
                ":method",
                "POST",
                ":scheme",
                "http",
                ":authority",
                "a.example",
                "x-a",
                "1",
                ":path",
                "/x");
        add(id, "an unknown pseudo-field", false, "abc", with(":what", "1"));
        add(id, "a status", false, "abc", with(":status", "200"));
        add(
                id,
                "extended CONNECT",
                false,
                "abc",
                ":method",
                "CONNECT",
                ":protocol",
                "websocket",
                ":scheme",
                "http",
                ":authority",
                "a.example",
                ":path",
                "/x");
        add(id, "an ordinary path with a query", true, "abc", but(":path", "/a/b?c=d&e"));
    }

    private void methods() {
        String id = "T023";
        for (String method : List.of(
                "",
                "G ET",
                "GET\r\n",
                "get",
                "G\0T",
                "GET /x HTTP/1.1\r\nA:",
                "CONNECT",
                "TRACE",
                "G\u00e4T",
                "GE(T")) {
            add(id, "method " + shown(method), false, null, but(":method", method));
        }
        add(id, "an unknown method", true, null, but(":method", "PROPFIND"));
        add(id, "PATCH", true, "abc", but(":method", "PATCH"));
    }

    private static String shown(String text) {
        StringBuilder out = new StringBuilder();
        for (char c : text.toCharArray()) {
            out.append(c > ' ' && c < 127 ? "" + c : String.format("<%02x>", (int) c));
        }
        return out.isEmpty() ? "nothing" : out.toString();
    }
}
