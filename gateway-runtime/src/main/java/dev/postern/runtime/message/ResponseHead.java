package dev.postern.runtime.message;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The head of an upstream's response, judged: status, framing, fields. A head that could be understood in two ways is
 * malformed.
 *
 * @param status 200 to 599, or 101 for an upgrade
 * @param headers the end-to-end fields
 * @param length the declared length, or -1
 * @param close whether the upstream ends the connection after this response
 */
public record ResponseHead(int status, Headers headers, long length, boolean close) {
    /** More fields than any service needs; past it the head is malformed. */
    private static final int MAX_FIELDS = 200;

    /**
     * Judges a head.
     *
     * @throws GatewayException {@link Failure#RESPONSE_MALFORMED}
     */
    public static ResponseHead of(int status, Iterable<Map.Entry<String, String>> fields, String endpoint) {
        if (status < 200 || status > 599) {
            throw malformed(endpoint, "status " + status, null);
        }
        return read(status, fields, endpoint);
    }

    /**
     * Judges the head of a 101, asked for by a handshake.
     *
     * @throws GatewayException {@link Failure#RESPONSE_MALFORMED}
     */
    public static ResponseHead ofUpgrade(Iterable<Map.Entry<String, String>> fields, String endpoint) {
        ResponseHead head = read(101, fields, endpoint);
        // RFC 9110 8.6: a 101 has no content, and no length; some say 0.
        if (head.length() > 0) {
            throw malformed(endpoint, "a 101 with content", null);
        }
        return head;
    }

    private static ResponseHead read(int status, Iterable<Map.Entry<String, String>> fields, String endpoint) {
        Headers.Builder headers = Headers.builder();
        long length = -1;
        boolean chunked = false;
        boolean close = false;
        String nominated = null;
        int count = 0;
        for (Map.Entry<String, String> field : fields) {
            if (++count > MAX_FIELDS) {
                throw malformed(endpoint, "more than " + MAX_FIELDS + " fields", null);
            }
            String name = field.getKey();
            String value = field.getValue();
            switch (Fields.ofResponse(name)) {
                case END_TO_END -> add(headers, name, value, endpoint);
                case CONTENT_LENGTH -> {
                    long declared = length(value, endpoint);
                    if (length >= 0 && length != declared) {
                        throw malformed(endpoint, "two lengths", null);
                    }
                    length = declared;
                }
                case TRANSFER_ENCODING -> {
                    if (chunked || !value.equalsIgnoreCase("chunked")) {
                        throw malformed(endpoint, "transfer coding", null);
                    }
                    chunked = true;
                }
                case CONNECTION -> {
                    close |= Tokens.contains(value, "close");
                    nominated = nominated == null ? value : nominated + ',' + value;
                }
                default -> {
                    // Ends at this hop.
                }
            }
        }
        if (chunked && length >= 0) {
            throw malformed(endpoint, "both a length and a transfer coding", null);
        }
        dropNominated(headers, nominated);
        return new ResponseHead(status, headers.build(), length, close);
    }

    private static void add(Headers.Builder headers, String name, String value, String endpoint) {
        try {
            headers.add(name, value);
        } catch (IllegalArgumentException broken) {
            throw malformed(endpoint, broken.getMessage(), broken);
        }
    }

    private static long length(String value, String endpoint) {
        boolean digits = !value.isEmpty() && value.length() <= 18;
        for (int i = 0; digits && i < value.length(); i++) {
            digits = value.charAt(i) >= '0' && value.charAt(i) <= '9';
        }
        if (!digits) {
            throw malformed(endpoint, "length", null);
        }
        return Long.parseLong(value);
    }

    /** RFC 9110 7.6.1: fields named by Connection end at this hop, also when we do not know them. */
    private static void dropNominated(Headers.Builder headers, @Nullable String nominated) {
        if (nominated == null) {
            return;
        }
        for (String token : Tokens.of(nominated)) {
            String lower = token.toLowerCase(Locale.ROOT);
            if (!lower.equals("close") && !lower.equals("keep-alive") && !Fields.isProtected(lower)) {
                headers.remove(lower);
            }
        }
    }

    private static GatewayException malformed(String endpoint, @Nullable String what, @Nullable Throwable cause) {
        return new GatewayException(
                Failure.RESPONSE_MALFORMED, endpoint + " sent a malformed response head: " + what, cause);
    }
}
