package dev.postern.runtime.message;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The opening handshake of a WebSocket (RFC 6455 4), judged on both sides: what the client offered, and whether what the
 * origin accepted is that. Key, version, upgrade and the agreement are written by the gateway; filters edit the rest of both
 * heads.
 */
public final class Handshake {
    /** Where the entry puts it, on an exchange whose route takes WebSockets. */
    public static final Exchange.Key<Handshake> KEY = Exchange.Key.named("websocket handshake");

    /** The one extension that passes: of others nobody here knows which frames they make valid. */
    private static final String DEFLATE = "permessage-deflate";

    private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private final String key;

    // What the last attempt has offered to an endpoint.
    private List<String> offeredProtocols = List.of();
    private boolean offeredDeflate;

    private Handshake(String key) {
        this.key = key;
    }

    /**
     * What both sides have agreed on.
     *
     * @param accept the value of {@code Sec-WebSocket-Accept}
     * @param protocol the subprotocol, or null
     * @param extensions the value of {@code Sec-WebSocket-Extensions}, or null; then no message is compressed
     */
    public record Agreed(
            String accept,
            @Nullable String protocol,
            @Nullable String extensions) {}

    /**
     * Judges what a client has sent.
     *
     * @param upgrade the value of {@code Upgrade}
     * @param named whether {@code Connection} names it
     * @param lastRequest whether {@code Connection} says {@code close} as well, or a body follows
     * @throws GatewayException {@link Failure#BAD_REQUEST}, {@link Failure#UPGRADE_REQUIRED}
     */
    public static Handshake of(String method, String upgrade, boolean named, boolean lastRequest, Headers headers) {
        if (!upgrade.equalsIgnoreCase("websocket")) {
            throw refused("websocket.upgrade", "an upgrade to several protocols");
        }
        if (!method.equals("GET")) {
            throw refused("websocket.method", "a handshake with " + method);
        }
        if (!named || lastRequest) {
            throw refused("websocket.connection", "a handshake without Connection: Upgrade, with close or with a body");
        }
        String version = single(headers, "Sec-WebSocket-Version", "websocket.version");
        if (!version.equals("13")) {
            throw new GatewayException(Failure.UPGRADE_REQUIRED, "a handshake of version " + version + " (served: 13)");
        }
        String key = single(headers, "Sec-WebSocket-Key", "websocket.key");
        if (!isKey(key)) {
            throw refused("websocket.key", "a key that is not 16 bytes in Base64");
        }
        protocols(headers);
        return new Handshake(key);
    }

    /**
     * Writes the handshake into the head of an upstream's request, over whatever stands there.
     *
     * @param headers of the request as the filters have left it
     * @param readable whether messages must not be compressed
     */
    public void offer(MultiMap out, Headers headers, boolean readable) {
        offeredProtocols = protocols(headers);
        List<String> extensions = new ArrayList<>();
        if (!readable) {
            for (String line : headers.all("Sec-WebSocket-Extensions")) {
                extensions.addAll(deflateOnly(line));
            }
        }
        offeredDeflate = !extensions.isEmpty();
        out.remove("Sec-WebSocket-Accept");
        out.set("Connection", "Upgrade");
        out.set("Upgrade", "websocket");
        out.set("Sec-WebSocket-Version", "13");
        out.set("Sec-WebSocket-Key", key);
        write(out, "Sec-WebSocket-Protocol", offeredProtocols);
        write(out, "Sec-WebSocket-Extensions", extensions);
    }

    private static void write(MultiMap out, String name, List<String> values) {
        if (values.isEmpty()) {
            out.remove(name);
        } else {
            out.set(name, String.join(", ", values));
        }
    }

    /**
     * Judges the head of a 101.
     *
     * @throws GatewayException {@link Failure#RESPONSE_MALFORMED} when it accepts something else than what was offered
     */
    public Agreed accepted(MultiMap fields, String endpoint) {
        boolean upgraded = fields.getAll("Upgrade").size() == 1
                && fields.get("Upgrade").equalsIgnoreCase("websocket")
                && fields.getAll("Connection").stream().anyMatch(value -> Tokens.contains(value, "upgrade"));
        if (!upgraded) {
            throw malformed(endpoint, "websocket.not_upgraded", "a 101 without Upgrade: websocket");
        }
        List<String> accepts = fields.getAll("Sec-WebSocket-Accept");
        String expected = accept();
        if (accepts.size() != 1 || !accepts.get(0).equals(expected)) {
            throw malformed(endpoint, "websocket.accept", "a 101 that is no answer to this handshake");
        }
        List<String> chosen = fields.getAll("Sec-WebSocket-Protocol");
        if (chosen.size() > 1 || !offeredProtocols.containsAll(chosen)) {
            throw malformed(endpoint, "websocket.protocol", "a subprotocol that was not offered");
        }
        String extensions = null;
        List<String> lines = fields.getAll("Sec-WebSocket-Extensions");
        if (!lines.isEmpty()) {
            String list = String.join(", ", lines);
            List<String> deflate = deflateOnly(list);
            if (deflate.size() != 1 || elements(list).size() != 1 || !offeredDeflate) {
                throw malformed(endpoint, "websocket.extension", "an extension that was not offered");
            }
            extensions = deflate.get(0);
        }
        return new Agreed(expected, chosen.isEmpty() ? null : chosen.get(0), extensions);
    }

    /** The proof that a handshake was read by somebody who knows WebSockets (RFC 6455 4.2.2). */
    private String accept() {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-1").digest((key + GUID).getBytes(StandardCharsets.US_ASCII));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JDK has SHA-1", impossible);
        }
    }

    private static String single(Headers headers, String name, String reason) {
        List<String> values = headers.all(name);
        if (values.size() != 1) {
            throw refused(reason, values.size() + " lines of " + name);
        }
        return values.get(0);
    }

    /** RFC 6455 4.1: 16 bytes, so 22 digits and two signs; of the last digit four bits are not used and must be 0. */
    private static boolean isKey(String key) {
        if (key.length() != 24 || !key.endsWith("==")) {
            return false;
        }
        for (int i = 0; i < 22; i++) {
            char c = key.charAt(i);
            boolean digit =
                    (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
            if (!digit) {
                return false;
            }
        }
        return "AQgw".indexOf(key.charAt(21)) >= 0;
    }

    /** RFC 6455 4.1: tokens, none of them twice. */
    private static List<String> protocols(Headers headers) {
        List<String> all = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (String line : headers.all("Sec-WebSocket-Protocol")) {
            for (String protocol : Tokens.of(line)) {
                if (!isToken(protocol) || !seen.add(protocol)) {
                    throw refused("websocket.protocol", "a subprotocol that is no token, or stands twice");
                }
                all.add(protocol);
            }
        }
        return all;
    }

    private static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c >= 127 || "\"(),/:;<=>?@[\\]{}".indexOf(c) >= 0) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private static List<String> deflateOnly(String line) {
        List<String> kept = new ArrayList<>();
        for (String element : elements(line)) {
            if (isDeflate(element)) {
                kept.add(element);
            }
        }
        return kept;
    }

    /** RFC 6455 9.1: parameters are tokens with a token behind them, in quotes or not. Whatever else stands there, no two read alike. */
    private static boolean isDeflate(String element) {
        String[] parts = element.split(";", -1);
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            String name = equals < 0 ? parts[i] : parts[i].substring(0, equals);
            if (!isToken(name.strip())
                    || (equals >= 0
                            && !isToken(unquoted(parts[i].substring(equals + 1).strip())))) {
                return false;
            }
        }
        return parts[0].strip().toLowerCase(Locale.ROOT).equals(DEFLATE);
    }

    private static String unquoted(String value) {
        boolean quoted = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
        return quoted ? value.substring(1, value.length() - 1) : value;
    }

    /** The elements of a list whose parameters may be quoted, commas and all; none of one that ends within quotes. */
    private static List<String> elements(String list) {
        List<String> elements = new ArrayList<>(2);
        boolean quoted = false;
        int start = 0;
        for (int i = 0; i <= list.length(); i++) {
            char c = i == list.length() ? ',' : list.charAt(i);
            if (c == '"') {
                quoted = !quoted;
            } else if (c == '\\' && quoted) {
                i++;
            } else if (c == ',' && (!quoted || i == list.length())) {
                String element =
                        list.substring(start, Math.min(i, list.length())).strip();
                if (!element.isEmpty()) {
                    elements.add(element);
                }
                start = i + 1;
            }
        }
        // Where a list that does not end would end, two readers could disagree.
        return quoted ? List.of() : elements;
    }

    private static GatewayException refused(String reason, String what) {
        return new GatewayException(Failure.BAD_REQUEST, reason, what, null);
    }

    private static GatewayException malformed(String endpoint, String reason, String what) {
        return new GatewayException(Failure.RESPONSE_MALFORMED, reason, endpoint + " answered with " + what, null);
    }
}
