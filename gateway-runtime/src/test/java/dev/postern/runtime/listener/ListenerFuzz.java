package dev.postern.runtime.listener;

import dev.postern.ClientInfo;
import dev.postern.runtime.edge.RequestHead.Reported;
import dev.postern.runtime.listener.FramingGuard.Step;
import dev.postern.runtime.rig.Fuzz;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Parsers of this package, for the fuzzer. */
public final class ListenerFuzz {
    private ListenerFuzz() {}

    /** The byte guard says the same however the bytes are cut, and its counters fit. */
    public static Fuzz.Target guard() {
        return input -> {
            String one = judged(input, Integer.MAX_VALUE);
            check(one.equals(judged(input, 1)), "byte by byte: " + judged(input, 1) + ", at once: " + one);
            int cut = 1 + (input.length == 0 ? 0 : (input[input.length / 2] & 15));
            check(
                    one.equals(judged(input, cut)),
                    "in pieces of " + cut + ": " + judged(input, cut) + ", at once: " + one);
            return one.hashCode();
        };
    }

    private static String judged(byte[] input, int piece) {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
        int at = 0;
        while (at < input.length) {
            int to = (int) Math.min(input.length, (long) at + piece);
            while (at < to) {
                if (guard.discarding()) {
                    return said(guard, "discards");
                }
                long opaque = guard.opaque();
                Step step;
                if (opaque > 0) {
                    int count = (int) Math.min(opaque, to - at);
                    step = guard.skip(count);
                    at += count;
                } else {
                    at = guard.scan(input, at, to);
                    step = guard.step();
                }
                if (step == Step.REFUSED) {
                    return said(guard, guard.reason().code());
                }
            }
        }
        return said(guard, guard.inHead() ? "in a head" : "waits");
    }

    private static String said(FramingGuard guard, String what) {
        check(guard.messages() <= guard.heads() && guard.heads() <= guard.messages() + 1, "heads and messages");
        return what + ' ' + guard.heads() + ' ' + guard.messages() + ' ' + guard.bodyBytes();
    }

    /** Whoever is said to be calling is an address out of the field, and a trusted one only if all are. */
    public static Fuzz.Target forwardedFor() throws Exception {
        Callers callers = new Callers(List.of("10.0.0.0/8", "fd00::/8"));
        ClientInfo peer = ClientInfo.of(new InetSocketAddress(InetAddress.getByName("10.0.0.1"), 1));
        return input -> {
            String text = new String(input, StandardCharsets.ISO_8859_1);
            ClientInfo caller = callers.behind(peer, new Reported(text, text, text, text, text));
            return caller.address().hashCode() & 15;
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
