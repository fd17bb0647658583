package dev.postern.security;

import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Base64url as compact tokens use it (RFC 7515 2): no padding, no white space, no line breaks, and the bits left over in
 * the last character are zero, so that every byte string has one spelling only.
 */
final class Base64Url {
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private static final byte[] VALUES = new byte[128];

    static {
        Arrays.fill(VALUES, (byte) -1);
        for (int i = 0; i < ALPHABET.length(); i++) {
            VALUES[ALPHABET.charAt(i)] = (byte) i;
        }
    }

    private Base64Url() {}

    /** The bytes, or null when the text is spelled in any other way. */
    static byte @Nullable [] decode(String text) {
        int last = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            last = c < 128 ? VALUES[c] : -1;
            if (last < 0) {
                return null;
            }
        }
        boolean canonical = switch (text.length() & 3) {
            case 1 -> false;
            case 2 -> (last & 0b1111) == 0;
            case 3 -> (last & 0b11) == 0;
            default -> true;
        };
        return canonical ? Base64.getUrlDecoder().decode(text) : null;
    }
}
