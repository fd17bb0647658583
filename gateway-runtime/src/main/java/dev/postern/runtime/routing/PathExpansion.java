package dev.postern.runtime.routing;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A path to be made from variables: {@code /v2/orders/{id}}. Variables stand anywhere and bring their text as it stood in
 * the matched path, still percent-encoded, so nothing is decoded on the way; {@code {rest...}} means {@code {rest}}.
 */
final class PathExpansion {
    private final String text;
    // Literals and names in turn, a literal first, even an empty one.
    private final List<String> parts;

    private PathExpansion(String text, List<String> parts) {
        this.text = text;
        this.parts = List.copyOf(parts);
    }

    /**
     * Reads a template.
     *
     * @throws IllegalArgumentException when braces do not pair or a name is none; the message says what to write
     */
    static PathExpansion of(String text) {
        List<String> parts = new ArrayList<>();
        int at = 0;
        for (int open = text.indexOf('{'); open >= 0; open = text.indexOf('{', at)) {
            int close = text.indexOf('}', open);
            String name = close < 0 ? "" : text.substring(open + 1, close).replaceFirst("(\\.\\.\\.|…)$", "");
            if (!PathTemplate.isName(name)) {
                throw new IllegalArgumentException(
                        "path \"" + text + "\" has a brace that begins no variable at " + open + " (expected: {name})");
            }
            parts.add(text.substring(at, open));
            parts.add(name);
            at = close + 1;
        }
        parts.add(text.substring(at));
        PathExpansion expansion = new PathExpansion(text, parts);
        expansion.checkLiterals();
        return expansion;
    }

    private void checkLiterals() {
        for (int i = 0; i < parts.size(); i += 2) {
            if (parts.get(i).indexOf('}') >= 0) {
                throw new IllegalArgumentException(
                        "path \"" + text + "\" has a brace that ends no variable (expected: {name})");
            }
        }
        // With any harmless text for its variables it must be what it will be sent as.
        StringBuilder sample = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            sample.append(i % 2 == 0 ? parts.get(i) : "x");
        }
        try {
            PathTemplate.template(sample.toString());
        } catch (IllegalArgumentException mistake) {
            throw new IllegalArgumentException(
                    String.valueOf(mistake.getMessage()).replace('"' + sample.toString() + '"', '"' + text + '"'),
                    mistake);
        }
    }

    Set<String> names() {
        Set<String> names = new LinkedHashSet<>();
        for (int i = 1; i < parts.size(); i += 2) {
            names.add(parts.get(i));
        }
        return names;
    }

    /** What every result begins with, up to and with the last slash in front of the first variable. */
    String fixedPrefix() {
        String first = parts.get(0);
        return parts.size() == 1 ? first : first.substring(0, first.lastIndexOf('/') + 1);
    }

    String expand(Map<String, String> rawVariables) {
        StringBuilder path = new StringBuilder(text.length() + 32);
        for (int i = 0; i < parts.size(); i++) {
            path.append(i % 2 == 0 ? parts.get(i) : rawVariables.getOrDefault(parts.get(i), ""));
        }
        return path.toString();
    }

    @Override
    public String toString() {
        return text;
    }
}
