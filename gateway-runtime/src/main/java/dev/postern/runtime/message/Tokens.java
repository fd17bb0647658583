package dev.postern.runtime.message;

import java.util.ArrayList;
import java.util.List;

/** Lists of tokens as in {@code Connection: keep-alive, x-hop} (RFC 9110 5.6.1). */
public final class Tokens {
    private Tokens() {}

    /** Whether {@code token} is an element, without case. Compared element by element: the whole value would let {@code x, close} pass. */
    public static boolean contains(String list, String token) {
        if (list.equalsIgnoreCase(token)) {
            return true;
        }
        if (list.indexOf(',') < 0) {
            return list.strip().equalsIgnoreCase(token);
        }
        for (String element : of(list)) {
            if (element.equalsIgnoreCase(token)) {
                return true;
            }
        }
        return false;
    }

    /** The elements, without blanks around them; empty ones are left out. */
    public static List<String> of(String list) {
        List<String> elements = new ArrayList<>(4);
        int start = 0;
        while (start <= list.length()) {
            int comma = list.indexOf(',', start);
            int end = comma < 0 ? list.length() : comma;
            String element = list.substring(start, end).strip();
            if (!element.isEmpty()) {
                elements.add(element);
            }
            start = end + 1;
        }
        return elements;
    }
}
