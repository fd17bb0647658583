package dev.postern.runtime.edge;

import dev.postern.Failure;
import dev.postern.GatewayException;

/**
 * One spelling for every path: the string that is matched is the string that is authorised, keyed, logged and forwarded.
 *
 * <p>Made canonical: dot segments, also spelled {@code %2e}, are resolved (RFC 3986 5.2.4); repeated slashes become one;
 * escapes of unreserved characters are decoded, once, and the others get upper-case digits (RFC 3986 6.2.2); printable
 * ASCII that no path may hold raw ({@code "<>[]^`{|}}) is escaped, as clients do write it.
 *
 * <p>Refused, because readers downstream disagree about them: encoded slashes, backslashes and semicolons in any spelling,
 * dot segments that climb above the root, malformed escapes, NUL and other controls, bytes that are not UTF-8, characters
 * outside ASCII, blanks, {@code ?} and {@code #}. An escaped percent sign stays escaped: nothing is decoded twice.
 *
 * <p>{@code of(of(x))} is {@code of(x)}. A path that is canonical already is returned as it is, without allocation.
 */
public final class CanonicalPath {
    // What a raw character is. Printable ASCII that is not listed in the grammar of paths is ESCAPE.
    private static final byte PLAIN = 0;
    private static final byte SLASH = 1;
    private static final byte PERCENT = 2;
    private static final byte ESCAPE = 3;
    private static final byte REFUSED = 4;
    private static final byte[] RAW = new byte[128];

    // What an escaped ASCII character is.
    private static final byte KEEP = 0;
    private static final byte DECODE = 1;
    private static final byte[] ESCAPED = new byte[128];

    private static final String HEX = "0123456789ABCDEF";

    static {
        for (int c = 0; c < 128; c++) {
            boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            boolean unreserved = letter || (c >= '0' && c <= '9') || "-._~".indexOf(c) >= 0;
            boolean plain = unreserved || "!$&'()*+,=:@".indexOf(c) >= 0;
            boolean refused = c <= ' ' || c == 127 || c == '\\' || c == ';';
            RAW[c] = plain ? PLAIN : refused || c == '?' || c == '#' ? REFUSED : ESCAPE;
            ESCAPED[c] = unreserved ? DECODE : (refused && c != ' ') || c == '/' ? REFUSED : KEEP;
        }
        RAW['/'] = SLASH;
        RAW['%'] = PERCENT;
    }

    private CanonicalPath() {}

    /**
     * The canonical spelling of a percent-encoded path.
     *
     * @param raw without query
     * @return {@code raw} itself when it is canonical
     * @throws GatewayException {@link Failure#BAD_REQUEST}, with one of the reasons {@code path.not_absolute}, {@code
     *     path.encoded_slash}, {@code path.backslash}, {@code path.semicolon}, {@code path.dot_above_root}, {@code
     *     path.bad_escape}, {@code path.nul}, {@code path.control}, {@code path.blank}, {@code path.invalid_utf8}, {@code
     *     path.non_ascii}, {@code path.bad_character}
     */
    public static String of(String raw) {
        return isCanonical(raw) ? raw : normalised(raw);
    }

    /** Whether {@code path} is its own canonical spelling. One pass, no allocation. */
    public static boolean isCanonical(String path) {
        int length = path.length();
        if (length == 0 || path.charAt(0) != '/') {
            return false;
        }
        int segment = 1;
        int i = 1;
        while (i < length) {
            char c = path.charAt(i);
            byte kind = c < 128 ? RAW[c] : REFUSED;
            if (kind == PLAIN) {
                i++;
            } else if (kind == SLASH) {
                if (i == segment || isDots(path, segment, i)) {
                    return false;
                }
                segment = ++i;
            } else if (kind == PERCENT) {
                int next = canonicalEscape(path, i);
                if (next < 0) {
                    return false;
                }
                i = next;
            } else {
                return false;
            }
        }
        return !isDots(path, segment, length);
    }

    /** The index behind the canonical escapes of one character at {@code at}, or -1. */
    private static int canonicalEscape(String path, int at) {
        int value = escape(path, at);
        if (value < 0 || isLowerHex(path.charAt(at + 1)) || isLowerHex(path.charAt(at + 2))) {
            return -1;
        }
        if (value < 128) {
            return ESCAPED[value] == KEEP ? at + 3 : -1;
        }
        if (isC1(path, at, value)) {
            return -1;
        }
        int end = at + 3 * utf8Length(path, at, value);
        for (int i = at + 3; i < end; i += 3) {
            if (isLowerHex(path.charAt(i + 1)) || isLowerHex(path.charAt(i + 2))) {
                return -1;
            }
        }
        return end > at ? end : -1;
    }

    private static String normalised(String raw) {
        if (raw.isEmpty() || raw.charAt(0) != '/') {
            throw refused("path.not_absolute", "does not begin with a slash", 0);
        }
        int length = raw.length();
        StringBuilder out = new StringBuilder(length + 16).append('/');
        int segment = 1;
        int i = 1;
        while (i < length) {
            char c = raw.charAt(i);
            byte kind = c < 128 ? RAW[c] : REFUSED;
            if (kind == PLAIN) {
                out.append(c);
                i++;
            } else if (kind == SLASH) {
                segment = endSegment(out, segment, i);
                i++;
            } else if (kind == PERCENT) {
                i = appendEscape(raw, i, out);
            } else if (kind == ESCAPE) {
                append(out, c);
                i++;
            } else {
                throw refusedCharacter(c, i);
            }
        }
        if (isDots(out, segment, out.length())) {
            endSegment(out, segment, length);
        }
        return out.toString();
    }

    /** Closes the segment that begins at {@code start}: dots are carried out, an empty one is dropped. */
    private static int endSegment(StringBuilder out, int start, int at) {
        int end = out.length();
        if (end == start) {
            return start;
        }
        if (!isDots(out, start, end)) {
            out.append('/');
            return end + 1;
        }
        if (end - start == 1) {
            out.setLength(start);
            return start;
        }
        if (start == 1) {
            throw refused("path.dot_above_root", "climbs above the root", at);
        }
        int parent = out.lastIndexOf("/", start - 2) + 1;
        out.setLength(parent);
        return parent;
    }

    private static int appendEscape(String raw, int at, StringBuilder out) {
        int value = escape(raw, at);
        if (value < 0) {
            throw refused("path.bad_escape", "has a percent sign without two hexadecimal digits", at);
        }
        if (value >= 128) {
            int bytes = utf8Length(raw, at, value);
            if (bytes == 0) {
                throw refused("path.invalid_utf8", "has escapes that are not UTF-8", at);
            }
            if (isC1(raw, at, value)) {
                throw refused("path.control", "has an escaped control character", at);
            }
            for (int i = 0; i < bytes; i++) {
                append(out, escape(raw, at + 3 * i));
            }
            return at + 3 * bytes;
        }
        if (ESCAPED[value] == REFUSED) {
            throw value == '/'
                    ? refused("path.encoded_slash", "has an encoded slash", at)
                    : refusedCharacter((char) value, at);
        }
        if (ESCAPED[value] == DECODE) {
            out.append((char) value);
        } else {
            append(out, value);
        }
        return at + 3;
    }

    private static void append(StringBuilder out, int value) {
        out.append('%').append(HEX.charAt(value >> 4)).append(HEX.charAt(value & 15));
    }

    /** The byte that is escaped at {@code at}, or -1. */
    private static int escape(String text, int at) {
        if (at + 2 >= text.length() || text.charAt(at) != '%') {
            return -1;
        }
        int high = hex(text.charAt(at + 1));
        int low = hex(text.charAt(at + 2));
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    // Not Character.digit: that one also takes digits of other scripts.
    private static int hex(char c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        int letter = c | 0x20;
        return letter >= 'a' && letter <= 'f' && c < 128 ? letter - 'a' + 10 : -1;
    }

    private static boolean isLowerHex(char c) {
        return c >= 'a' && c <= 'f';
    }

    /**
     * The number of escaped bytes, 2 to 4, of the well-formed character that begins with {@code lead} (Unicode 15, table
     * 3-7), or 0.
     */
    private static int utf8Length(String text, int at, int lead) {
        int bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead < 0xC2 || lead > 0xF4) {
            return 0;
        }
        int second = escape(text, at + 3);
        // Overlong forms, surrogates and what lies beyond U+10FFFF all show in the second byte.
        int least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        int most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (second < least || second > most) {
            return 0;
        }
        for (int i = 2; i < bytes; i++) {
            int next = escape(text, at + 3 * i);
            if (next < 0x80 || next > 0xBF) {
                return 0;
            }
        }
        return bytes;
    }

    /** Whether these are the escapes of U+0080 to U+009F. */
    private static boolean isC1(String text, int at, int lead) {
        return lead == 0xC2 && escape(text, at + 3) < 0xA0;
    }

    private static boolean isDots(CharSequence text, int start, int end) {
        int length = end - start;
        return (length == 1 || length == 2) && text.charAt(start) == '.' && text.charAt(end - 1) == '.';
    }

    private static GatewayException refusedCharacter(char c, int at) {
        if (c == 0) {
            return refused("path.nul", "has a NUL character", at);
        }
        if (c == '\\') {
            return refused("path.backslash", "has a backslash", at);
        }
        if (c == ';') {
            return refused("path.semicolon", "has a semicolon", at);
        }
        if (c == ' ') {
            return refused("path.blank", "has a blank", at);
        }
        if (c < ' ' || c == 127) {
            return refused("path.control", "has a control character", at);
        }
        return c >= 128
                ? refused("path.non_ascii", "has a character outside ASCII", at)
                : refused("path.bad_character", "has a character that ends paths", at);
    }

    // The text itself stays out of the message: it is hostile, and logs show the request anyway.
    private static GatewayException refused(String reason, String what, int at) {
        return new GatewayException(Failure.BAD_REQUEST, reason, "the path " + what + " at " + at, null);
    }
}
