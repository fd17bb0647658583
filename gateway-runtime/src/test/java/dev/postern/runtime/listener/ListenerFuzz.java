package dev.postern.runtime.listener;

import dev.postern.ClientInfo;
import dev.postern.Headers;
import dev.postern.runtime.edge.RequestHead.Reported;
import dev.postern.runtime.listener.FramingGuard.Step;
import dev.postern.runtime.rig.Fuzz;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
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

    /** A PROXY header is what it is as soon as it is there, whatever follows. */
    public static Fuzz.Target proxyHeader() {
        return input -> {
            String whole = proxyHeader(input, input.length);
            boolean decided = false;
            for (int length = 0; length <= input.length; length += length < 64 ? 1 : 37) {
                String part = proxyHeader(input, length);
                check(!decided || !part.equals("more"), "undecided again after " + length);
                decided |= !part.equals("more");
                check(part.equals("more") || part.equals(whole), "after " + length + ": " + part + ", then " + whole);
            }
            return whole.replaceAll("[0-9.:a-f/]+", "").hashCode() ^ (whole.length() & 15);
        };
    }

    private static String proxyHeader(byte[] input, int length) {
        try {
            ProxyHeader header = ProxyHeader.read(Unpooled.wrappedBuffer(input, 0, length));
            check(header == null || header.length() <= length, "longer than it is");
            check(header != null || length < ProxyHeader.MAX_BYTES, "undecided");
            return header == null ? "more" : header.toString();
        } catch (ProxyHeader.Malformed malformed) {
            return String.valueOf(malformed.getMessage());
        }
    }

    /** Heads of HTTP/2 frames are seen however the bytes are cut, and as many as a plain reading finds. */
    public static Fuzz.Target frameHeads() {
        return input -> {
            String whole = frameHeads(input, Integer.MAX_VALUE);
            check(whole.equals(frameHeads(input, 1)), "byte by byte: " + frameHeads(input, 1) + ", at once: " + whole);
            int cut = 2 + (input.length & 15);
            check(whole.equals(frameHeads(input, cut)), "in pieces of " + cut + ", at once: " + whole);
            int frames = 0;
            for (int at = 0; at + 9 <= input.length; frames++) {
                at += 9 + ((input[at] & 255) << 16 | (input[at + 1] & 255) << 8 | input[at + 2] & 255);
            }
            check(whole.chars().filter(c -> c == ';').count() == frames, frames + " frames: " + whole);
            return whole.replaceAll("[0-9]{3,}", "").hashCode();
        };
    }

    private static String frameHeads(byte[] input, int piece) {
        StringBuilder out = new StringBuilder();
        FrameWatch watch = new FrameWatch(0, new FrameWatch.Listener() {
            @Override
            public boolean frame(int type, int flags, int length, int stream) {
                out.append(type)
                        .append(' ')
                        .append(flags & 5)
                        .append(' ')
                        .append(stream)
                        .append(';');
                return true;
            }

            @Override
            public void code(int type, int stream, long code) {
                out.append("code ").append(code).append('.');
            }
        });
        for (int at = 0; at < input.length; ) {
            int count = Math.min(piece, input.length - at);
            check(watch.pass(Unpooled.wrappedBuffer(input, at, count)), "stopped");
            at += count;
        }
        return out.append(watch.isWithinBlock()).append(watch.continuations()).toString();
    }

    /** What passes as a field over HTTP/2 is a field to the rest of the gateway. */
    public static Fuzz.Target fields() {
        return input -> {
            String text = new String(input, StandardCharsets.ISO_8859_1);
            int colon = Math.max(0, text.indexOf(':', 1));
            String name = text.substring(0, colon);
            String value = text.substring(Math.min(text.length(), colon + 1));
            boolean isName = FieldSyntax.isName(name);
            boolean isValue = FieldSyntax.isValue(value);
            if (isName && isValue) {
                check(Headers.builder().add(name, value).build().get(name).equals(value), "read differently");
            }
            return (isName ? 1 : 0)
                    + (isValue ? 2 : 0)
                    + (FieldSyntax.isOfConnection(name) ? 4 : 0)
                    + (FieldSyntax.isToken(value) ? 8 : 0)
                    + (FieldSyntax.isVisible(value) ? 16 : 0);
        };
    }

    /** A head of HTTP/2 that passes has one form, and passes again as it is. */
    public static Fuzz.Target http2Heads() {
        return input -> {
            Http2Headers head = new DefaultHttp2Headers(false);
            for (String line : new String(input, StandardCharsets.ISO_8859_1).split("\n")) {
                int colon = Math.max(0, line.indexOf(':', 1));
                head.add(line.substring(0, colon), line.substring(Math.min(line.length(), colon + 1)));
            }
            Reason refused = Http2Heads.judge(head, "https", 20);
            if (refused != null) {
                return -refused.ordinal();
            }
            check(head.method() != null && head.path() != null && head.authority() != null, "incomplete: " + head);
            check(head.getAll(":path").size() == 1 && head.getAll(":authority").size() == 1, "twice: " + head);
            check(!head.contains("host") && !head.contains("connection"), "passes: " + head);
            check(head.size() > 20 || head.getAll("cookie").size() <= 1, "crumbs: " + head);
            check(Http2Heads.judge(head, "https", 20) == null, "not again: " + head);
            return 1 + head.size();
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
