package dev.postern.runtime.edge;

/**
 * Addresses written as text, without asking a resolver: dotted quads without leading zeros (RFC 3986 3.2.2), IPv6 in every
 * form of RFC 4291 2.2, written back as RFC 5952 wants it. No zones.
 */
public final class IpLiteral {
    private IpLiteral() {}

    /** The 32 bits of the dotted quad between {@code from} and {@code to}, or -1 when it is none. */
    public static long v4(String text, int from, int to) {
        long bits = 0;
        int at = from;
        for (int part = 0; part < 4; part++) {
            int start = at;
            int value = 0;
            while (at < to && at - start < 3 && isDigit(text.charAt(at))) {
                value = value * 10 + text.charAt(at++) - '0';
            }
            boolean leadingZero = at - start > 1 && text.charAt(start) == '0';
            if (at == start || value > 255 || leadingZero) {
                return -1;
            }
            bits = bits << 8 | value;
            if (part < 3 && (at >= to || text.charAt(at++) != '.')) {
                return -1;
            }
        }
        return at == to ? bits : -1;
    }

    /**
     * Reads the IPv6 address between {@code from} and {@code to}, without brackets.
     *
     * @param bits receives the upper and the lower 64 bits
     * @return whether it is one
     */
    public static boolean v6(String text, int from, int to, long[] bits) {
        int[] groups = new int[8];
        int count = 0;
        int gap = -1;
        int at = from;
        if (to - from >= 2 && text.charAt(at) == ':') {
            if (text.charAt(at + 1) != ':') {
                return false;
            }
            gap = 0;
            at += 2;
        }
        while (at < to) {
            if (count == 8) {
                return false;
            }
            int end = at;
            while (end < to && Character.digit(text.charAt(end), 16) >= 0 && text.charAt(end) < 128) {
                end++;
            }
            if (end < to && text.charAt(end) == '.') {
                // The last 32 bits as a dotted quad.
                long quad = v4(text, at, to);
                if (quad < 0 || count > 6) {
                    return false;
                }
                groups[count++] = (int) (quad >> 16);
                groups[count++] = (int) (quad & 0xFFFF);
                at = to;
                break;
            }
            if (end == at || end - at > 4) {
                return false;
            }
            groups[count++] = Integer.parseInt(text, at, end, 16);
            at = end;
            if (at == to) {
                break;
            }
            if (text.charAt(at) != ':' || ++at == to) {
                return false;
            }
            if (text.charAt(at) == ':') {
                if (gap >= 0) {
                    return false;
                }
                gap = count;
                at++;
            }
        }
        if (gap < 0 ? count != 8 : count > 7) {
            return false;
        }
        long[] words = new long[8];
        int tail = gap < 0 ? 0 : count - gap;
        for (int i = 0; i < count - tail; i++) {
            words[i] = groups[i];
        }
        for (int i = 0; i < tail; i++) {
            words[8 - tail + i] = groups[gap + i];
        }
        bits[0] = words[0] << 48 | words[1] << 32 | words[2] << 16 | words[3];
        bits[1] = words[4] << 48 | words[5] << 32 | words[6] << 16 | words[7];
        return true;
    }

    /** The dotted quad of 32 bits. */
    public static String v4(long bits) {
        return (bits >> 24 & 255) + "." + (bits >> 16 & 255) + "." + (bits >> 8 & 255) + "." + (bits & 255);
    }

    /** The text of an IPv6 address (RFC 5952): lower-case, the longest run of zeros as {@code ::}, mapped IPv4 dotted. */
    public static String v6(long high, long low) {
        if (high == 0 && low >>> 32 == 0xFFFF) {
            return "::ffff:" + v4(low & 0xFFFFFFFFL);
        }
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (int) ((i < 4 ? high >> (48 - 16 * i) : low >> (48 - 16 * (i - 4))) & 0xFFFF);
        }
        int gap = -1;
        int longest = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - i > longest) {
                gap = i;
                longest = end - i;
            }
        }
        StringBuilder out = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == gap) {
                out.append("::");
                i += longest - 1;
            } else {
                boolean afterGap = gap >= 0 && i == gap + longest;
                out.append(i == 0 || afterGap ? "" : ":").append(Integer.toHexString(groups[i]));
            }
        }
        return out.toString();
    }

    static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
