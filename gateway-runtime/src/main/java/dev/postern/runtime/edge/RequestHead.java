package dev.postern.runtime.edge;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.runtime.message.Fields;
import dev.postern.runtime.message.Tokens;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request head after the decoder, judged once for everybody behind: what is not one request, understood in one way, is
 * refused here with a stable reason. The byte guard has judged the bytes before; this is the second opinion, and the only
 * one where there is no guard.
 *
 * @param method the method
 * @param authority the canonical host
 * @param target path and query
 * @param headers the end-to-end fields, without those that only the gateway may write
 * @param length the length of the body: 0 for none, -1 when it is chunked
 * @param close whether the client ends the connection after this request
 * @param expectsContinue whether the client waits for 100 before it sends the body
 * @param upgrade the value of {@code Upgrade}, or null
 * @param upgradeNamed whether {@code Connection} names it
 * @param reported what the identity fields said that were taken out; only to be believed of trusted proxies
 */
public record RequestHead(
        String method,
        String authority,
        TargetParser.Target target,
        Headers headers,
        long length,
        boolean close,
        boolean expectsContinue,
        @Nullable String upgrade,
        boolean upgradeNamed,
        @Nullable Reported reported) {

    /**
     * Identity fields as received.
     *
     * @param forwardedFor {@code X-Forwarded-For}, all lines joined
     * @param forwardedProto {@code X-Forwarded-Proto}
     * @param forwardedHost {@code X-Forwarded-Host}
     * @param forwarded {@code Forwarded}, all lines joined
     * @param requestId {@code X-Request-Id}
     */
    public record Reported(
            @Nullable String forwardedFor,
            @Nullable String forwardedProto,
            @Nullable String forwardedHost,
            @Nullable String forwarded,
            @Nullable String requestId) {}

    /**
     * Judges a head.
     *
     * @param fields all header lines, in order
     * @param pseudoAuthority the {@code :authority} of HTTP/2, or null
     * @param scheme of the connection
     * @param maxFields more are refused with 431
     * @throws GatewayException with the failure and reason to answer with
     */
    public static RequestHead of(
            String method,
            String rawTarget,
            Iterable<Map.Entry<String, String>> fields,
            @Nullable String pseudoAuthority,
            String scheme,
            int maxFields) {
        return new Reader(method, scheme, maxFields).read(rawTarget, fields, pseudoAuthority);
    }

    // 10^18 bytes: below the largest long, and more than anybody sends.
    private static final int MAX_LENGTH_DIGITS = 18;

    /** One pass over the fields. */
    private static final class Reader {
        private final String method;
        private final String scheme;
        private final int maxFields;
        private final Headers.Builder headers = Headers.builder();
        private @Nullable String host;
        private @Nullable String length;
        private @Nullable String coding;
        private @Nullable String connection;
        private @Nullable String expect;
        private @Nullable String upgrade;
        private @Nullable String forwardedFor;
        private @Nullable String forwardedProto;
        private @Nullable String forwardedHost;
        private @Nullable String forwarded;
        private @Nullable String requestId;
        private boolean trailersWelcome;

        Reader(String method, String scheme, int maxFields) {
            this.method = method;
            this.scheme = scheme;
            this.maxFields = maxFields;
        }

        RequestHead read(
                String rawTarget, Iterable<Map.Entry<String, String>> fields, @Nullable String pseudoAuthority) {
            checkMethod();
            int count = 0;
            for (Map.Entry<String, String> field : fields) {
                if (++count > maxFields) {
                    throw new GatewayException(
                            Failure.REQUEST_HEAD_TOO_LARGE,
                            "head.too_many_fields",
                            "more than " + maxFields + " fields",
                            null);
                }
                take(field.getKey(), field.getValue());
            }
            String authority = authority(pseudoAuthority);
            TargetParser.Target target = TargetParser.parse(method, rawTarget, scheme, authority);
            dropNominated();
            if (trailersWelcome) {
                // Ends here as well; the one thing it can say to us is kept for whoever answers.
                headers.add("TE", "trailers");
            }
            return new RequestHead(
                    method,
                    authority,
                    target,
                    headers.build(),
                    bodyLength(),
                    connection != null && Tokens.contains(connection, "close"),
                    expectsContinue(),
                    upgrade,
                    connection != null && Tokens.contains(connection, "upgrade"),
                    reported());
        }

        private void checkMethod() {
            if (method.equals("CONNECT") || method.equals("TRACE")) {
                // RFC 9110 9.3.6, 9.3.8: a tunnel to anywhere, and a mirror for secrets. Neither is a gateway's
                // business.
                throw new GatewayException(
                        Failure.METHOD_NOT_ALLOWED, "method.refused", method + " is never served", null);
            }
            for (int i = 0; i < method.length(); i++) {
                char c = method.charAt(i);
                if ((c < 'A' || c > 'Z') && c != '-' && c != '_') {
                    throw refused("method.malformed", "method with character 0x" + Integer.toHexString(c));
                }
            }
        }

        private void take(String name, String value) {
            if (name.indexOf('_') >= 0) {
                throw refused("head.underscore", "field name with an underscore");
            }
            switch (Fields.ofRequest(name)) {
                case END_TO_END -> add(name, value);
                case HOST -> {
                    once(host, "host");
                    host = value;
                }
                case CONTENT_LENGTH -> {
                    once(length, "content-length");
                    length = value;
                }
                case TRANSFER_ENCODING -> {
                    once(coding, "transfer-encoding");
                    coding = value;
                }
                case EXPECT -> {
                    once(expect, "expect");
                    expect = value;
                }
                case CONNECTION -> connection = joined(connection, value);
                case IDENTITY -> report(name.toLowerCase(Locale.ROOT), value);
                // These end here.
                case HOP_BY_HOP -> {
                    if (name.equalsIgnoreCase("upgrade")) {
                        upgrade = joined(upgrade, value);
                    } else {
                        trailersWelcome |= name.length() == 2 && Fields.welcomesTrailers(value);
                    }
                }
                case DANGEROUS -> {
                    // Ends here.
                }
            }
        }

        private void add(String name, String value) {
            if (Fields.isSingle(name) && headers.get(name) != null) {
                throw refused("head.duplicate_field", "two lines of " + name);
            }
            if (name.equalsIgnoreCase("sec-websocket-key1") || name.equalsIgnoreCase("sec-websocket-key2")) {
                // A relic that makes some decoders expect eight bytes of body on a GET (T018).
                throw refused("framing.websocket_key", "obsolete WebSocket key");
            }
            try {
                headers.add(name, value);
            } catch (IllegalArgumentException broken) {
                throw refused("head.field", String.valueOf(broken.getMessage()));
            }
        }

        private void report(String lowerName, String value) {
            switch (lowerName) {
                case "x-forwarded-for" -> forwardedFor = joined(forwardedFor, value);
                case "x-forwarded-proto" -> forwardedProto = value;
                case "x-forwarded-host" -> forwardedHost = value;
                case "forwarded" -> forwarded = joined(forwarded, value);
                case "x-request-id" -> requestId = value;
                default -> {
                    // Removed; nobody asks what it said.
                }
            }
        }

        private @Nullable Reported reported() {
            boolean nothing = forwardedFor == null
                    && forwardedProto == null
                    && forwardedHost == null
                    && forwarded == null
                    && requestId == null;
            return nothing ? null : new Reported(forwardedFor, forwardedProto, forwardedHost, forwarded, requestId);
        }

        private String authority(@Nullable String pseudoAuthority) {
            if (pseudoAuthority != null) {
                String canonical = Authority.canonical(pseudoAuthority);
                if (host != null && !Authority.canonical(host).equals(canonical)) {
                    throw refused("host.mismatch", "two different hosts");
                }
                return canonical;
            }
            if (host == null) {
                throw refused("host.missing", "no host");
            }
            return Authority.canonical(host);
        }

        private long bodyLength() {
            if (coding != null) {
                if (length != null) {
                    throw refused("framing.te_and_cl", "both a length and a transfer coding");
                }
                if (!coding.equalsIgnoreCase("chunked")) {
                    throw refused("framing.te_final", "a transfer coding other than chunked");
                }
                return -1;
            }
            if (length == null) {
                return 0;
            }
            boolean plain = !length.isEmpty() && (length.length() == 1 || length.charAt(0) != '0');
            for (int i = 0; plain && i < length.length(); i++) {
                plain = length.charAt(i) >= '0' && length.charAt(i) <= '9';
            }
            if (!plain) {
                throw refused("framing.cl_syntax", "malformed length");
            }
            if (length.length() > MAX_LENGTH_DIGITS) {
                throw new GatewayException(
                        Failure.REQUEST_BODY_TOO_LARGE, "framing.cl_too_large", "a length beyond all limits", null);
            }
            return Long.parseLong(length);
        }

        private boolean expectsContinue() {
            if (expect == null) {
                return false;
            }
            if (!expect.equalsIgnoreCase("100-continue") || (length == null && coding == null)) {
                throw new GatewayException(
                        Failure.EXPECTATION_FAILED, "head.expect", "an expectation that cannot be met", null);
            }
            return true;
        }

        /** T039: what the client nominates goes before anything of ours is added; our names cannot be nominated. */
        private void dropNominated() {
            if (connection == null
                    || connection.equalsIgnoreCase("keep-alive")
                    || connection.equalsIgnoreCase("close")) {
                return;
            }
            for (String token : Tokens.of(connection)) {
                String lower = token.toLowerCase(Locale.ROOT);
                if (lower.equals("close") || lower.equals("keep-alive")) {
                    continue;
                }
                if (Fields.isProtected(lower)) {
                    throw refused("head.connection_nominates", "Connection names the protected field " + lower);
                }
                headers.remove(lower);
            }
        }

        private static void once(@Nullable String before, String name) {
            if (before != null) {
                throw refused(name.equals("host") ? "host.repeated" : "head.duplicate_field", "two lines of " + name);
            }
        }

        private static String joined(@Nullable String before, String value) {
            return before == null ? value : before + ", " + value;
        }

        private static GatewayException refused(String reason, String what) {
            return new GatewayException(Failure.BAD_REQUEST, reason, what, null);
        }
    }
}
