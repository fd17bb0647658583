package dev.postern.runtime.observe;

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
            check(!link.contains("s3cr3t"), link);
            String header = Redaction.header("x-text", text);
            return header.length() * 31
                    + Redaction.queryNames(text).length()
                    + Redaction.path(text).length();
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
