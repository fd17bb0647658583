package dev.postern.runtime.corpus;

import java.util.Random;

/** Writes random request targets: most of them good in some odd spelling, some of them not to be read in one way. */
final class TargetGrammar {
    private static final String PLAIN = "abcXYZ019-._~!$&'()*+,=:@";
    private static final String[] ODD = {
        "%41",
        "%7e",
        "%2D",
        "%5f",
        "%30",
        "%20",
        "%22",
        "%25",
        "%252e",
        "%25%32%66",
        "%3f",
        "%23",
        "%3D",
        "%26",
        "%2b",
        "%c3%a4",
        "%C3%A4",
        "%e2%82%ac",
        "%F0%9F%98%80",
        "%7B",
        "%7c",
        "..a",
        "a..",
        "...",
        "%2e%2e%2e",
        "%2ea",
        "[",
        "]"
    };
    private static final String[] HOSTILE = {
        "%2f",
        "%2F",
        "%5c",
        "%5C",
        "%00",
        "%0a",
        "%7f",
        "%",
        "%2",
        "%zz",
        "%c0%ae",
        "%c0%af",
        "%e2%82",
        "%ff",
        "%ed%a0%80",
        "%3b",
        ";x",
        "%c2%85",
        "%%32%65"
    };
    private static final String[] DOTS = {".", "..", "%2e", "%2E", "%2e%2e", ".%2e", "%2E.", "%2e%2E"};
    private static final String QUERY = "abc019-._~!$'()*+,=:@/?&;%7E";

    private final Random random;

    TargetGrammar(Random random) {
        this.random = random;
    }

    /** A target whose path begins with this segment, in some spelling. */
    String target(String root) {
        StringBuilder out = new StringBuilder("/");
        if (random.nextInt(12) == 0) {
            out.append(pick(new String[] {"/", "./", "%2e/", "x/../", "//", "x/%2E%2e/", "x//..//"}));
        }
        spell(root, out);
        int segments = random.nextInt(7);
        for (int i = 0; i < segments; i++) {
            out.append('/');
            int what = random.nextInt(40);
            if (what < 4) {
                out.append(pick(DOTS));
            } else if (what > 5) {
                segment(out, what == 6);
            }
        }
        if (random.nextInt(6) == 0) {
            out.append('/');
        }
        if (random.nextInt(4) == 0) {
            out.append('?');
            for (int n = random.nextInt(20); n > 0; n--) {
                out.append(QUERY.charAt(random.nextInt(QUERY.length() - 3)));
            }
        }
        return out.toString();
    }

    private void segment(StringBuilder out, boolean hostile) {
        for (int n = 1 + random.nextInt(6); n > 0; n--) {
            if (random.nextInt(4) == 0) {
                out.append(pick(ODD));
            } else {
                out.append(PLAIN.charAt(random.nextInt(PLAIN.length())));
            }
        }
        if (hostile) {
            out.append(pick(HOSTILE));
        }
    }

    /** Unreserved letters, some of them escaped. */
    private void spell(String text, StringBuilder out) {
        for (char c : text.toCharArray()) {
            if (random.nextInt(10) == 0) {
                out.append('%').append(Integer.toHexString(c));
            } else {
                out.append(c);
            }
        }
    }

    private String pick(String[] from) {
        return from[random.nextInt(from.length)];
    }
}
