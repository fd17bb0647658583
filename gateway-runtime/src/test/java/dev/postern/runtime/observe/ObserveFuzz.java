package dev.postern.runtime.observe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.Failure;
import dev.postern.Headers;
import dev.postern.runtime.rig.Fuzz;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Parsers of this package, for the fuzzer. */
public final class ObserveFuzz {
    private ObserveFuzz() {}

    /** What is passed on is short, and passes again as it is. */
    public static Fuzz.Target traceState() {
        return input -> {
            Headers.Builder headers = Headers.builder();
            try {
                for (String line : new String(input, StandardCharsets.ISO_8859_1).split("\n")) {
                    headers.add("tracestate", line);
                }
            } catch (IllegalArgumentException noField) {
                return 0;
            }
            String state = TraceState.of(headers.build());
            check(state.length() <= 512, "length " + state.length());
            if (!state.isEmpty()) {
                String again =
                        TraceState.of(Headers.builder().add("tracestate", state).build());
                check(again.equals(state), again);
            }
            return state.length();
        };
    }

    /** A trace is one that everybody reads, or there is none. */
    public static Fuzz.Target traceParent() {
        Random random = new Random(1);
        return input -> {
            Headers.Builder headers = Headers.builder();
            try {
                headers.add("traceparent", new String(input, StandardCharsets.ISO_8859_1));
            } catch (IllegalArgumentException noField) {
                return 0;
            }
            Trace trace = Trace.received(headers.build(), random);
            if (trace == null) {
                return 1;
            }
            check(trace.id().matches("[0-9a-f]{32}"), trace.id());
            return 2 + (input.length & 63);
        };
    }

    /** Nothing breaks, and the password of a link does not get through. */
    public static Fuzz.Target redaction() {
        return input -> {
            String text = new String(input, StandardCharsets.ISO_8859_1);
            String link = Redaction.header("referer", "https://user:" + "s3cr3t" + "@h/" + text);
            check(text.contains("s3cr3t") || !link.contains("s3cr3t"), link);
            String header = Redaction.header("x-text", text);
            return header.length() * 31
                    + Redaction.queryNames(text).length()
                    + Redaction.path(text).length();
        };
    }

    /** A line of a log is one object in visible ASCII, and says what was to be said. */
    public static Fuzz.Target jsonLine() {
        ObjectMapper json = new ObjectMapper();
        return input -> {
            String text = new String(input, StandardCharsets.UTF_8);
            int limit = input.length % 3 == 0 ? 64 : 10_000;
            JsonLine writing = new JsonLine();
            writing.text("a", text, limit);
            writing.text("b", "end", limit);
            String line = writing.end();
            check(line.chars().allMatch(c -> c >= ' ' && c <= '~') && !line.contains("${"), line);
            JsonNode read = json.readTree(line);
            String said = read.path("a").asText();
            check(read.size() == 2 && read.path("b").asText().equals("end"), line);
            check(text.length() > limit ? said.length() == limit + 1 : said.equals(text), line);
            return Math.min(255, line.length() - text.length());
        };
    }

    /** A failure in {@code Proxy-Status} is one member, whatever the gateway is called. */
    public static Fuzz.Target proxyStatus() {
        return input -> {
            String name = new String(input, StandardCharsets.ISO_8859_1);
            String member = ProxyStatus.of(name, Failure.CONNECT_FAILED, 200 + (input.length & 63));
            check(member.chars().allMatch(c -> c >= ' ' && c <= '~'), member);
            String bare = member.replaceAll("\"(\\\\[\"\\\\]|[^\"\\\\])*\"", "");
            check(bare.indexOf(',') < 0 && bare.indexOf('"') < 0, member);
            check(bare.split(";").length == 4 && member.contains("; error="), member);
            Headers.of("Proxy-Status", member);
            return member.length() - name.length();
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
