package dev.postern.runtime.routing;

import dev.postern.GatewayException;
import dev.postern.runtime.edge.CanonicalPath;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A path that routes are matched by, as segments: {@code /orders/{id}} is closed, {@code /files/{rest...}} and every prefix
 * are open. An open template takes its own segments and whatever follows on whole segments, a lone slash or nothing
 * included. Literals are canonical, so comparing them with a canonical path needs no decoding.
 */
final class PathTemplate {
    /** Every path. */
    static final PathTemplate ANY = new PathTemplate("/*", List.of(), true, null);

    // No host writes paths this deep; the search for a route recurses once a segment.
    private static final int MAX_SEGMENTS = 64;

    private final String text;
    private final List<Segment> segments;
    private final boolean open;
    private final @Nullable String rest;

    private PathTemplate(String text, List<Segment> segments, boolean open, @Nullable String rest) {
        this.text = text;
        this.segments = List.copyOf(segments);
        this.open = open;
        this.rest = rest;
    }

    /** One segment: a literal, or a variable that takes any text but none. */
    record Segment(boolean variable, String text) {}

    /**
     * Reads a template: {@code /a/{id}/{rest...}}.
     *
     * @throws IllegalArgumentException when it can match nothing; the message says what to write
     */
    static PathTemplate template(String text) {
        List<Segment> segments = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        String[] parts = split(text);
        for (int i = 0; i < parts.length; i++) {
            String part = parts[i];
            if (!part.startsWith("{") || !part.endsWith("}")) {
                segments.add(new Segment(false, literal(text, part, i == parts.length - 1)));
                continue;
            }
            String inner = part.substring(1, part.length() - 1);
            String name = inner.endsWith("...")
                    ? inner.substring(0, inner.length() - 3)
                    : inner.endsWith("…") ? inner.substring(0, inner.length() - 1) : inner;
            checkName(text, name, names);
            if (!name.equals(inner)) {
                if (i < parts.length - 1) {
                    throw bad(text, "has {" + inner + "} before its end (expected: as the last segment)");
                }
                return new PathTemplate(text, segments, true, name);
            }
            segments.add(new Segment(true, name));
        }
        return new PathTemplate(text, segments, false, null);
    }

    /** Reads a prefix: {@code /a/b}, with or without a slash at its end. */
    static PathTemplate prefix(String text) {
        if (text.indexOf('{') >= 0 || text.indexOf('}') >= 0) {
            throw bad(text, "is a prefix and has braces (write Match.path(\"" + text + "/{rest...}\"))");
        }
        List<Segment> segments = new ArrayList<>();
        String[] parts = split(text);
        for (int i = 0; i < parts.length; i++) {
            String literal = literal(text, parts[i], i == parts.length - 1);
            if (!literal.isEmpty()) {
                segments.add(new Segment(false, literal));
            }
        }
        return new PathTemplate(
                segments.isEmpty() ? "/*" : text + (text.endsWith("/") ? "*" : "/*"), segments, true, null);
    }

    private static String[] split(String text) {
        if (!text.startsWith("/")) {
            throw bad(text, "does not begin with a slash (write \"/" + text + "\")");
        }
        String[] parts = text.substring(1).split("/", -1);
        if (parts.length > MAX_SEGMENTS) {
            throw bad(text, "has " + parts.length + " segments (expected: at most " + MAX_SEGMENTS + ")");
        }
        return parts;
    }

    private static void checkName(String text, String name, Set<String> names) {
        if (!isName(name)) {
            throw bad(
                    text,
                    "has a variable called \"" + name + "\" (expected: a letter or _, then letters, digits, _ or -)");
        }
        if (!names.add(name)) {
            throw bad(text, "has two variables called \"" + name + "\" (give each its own name)");
        }
    }

    /** Whether a variable may be called so. */
    static boolean isName(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
            if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-'))) {
                return false;
            }
        }
        return !name.isEmpty();
    }

    private static String literal(String text, String part, boolean last) {
        if (part.isEmpty() && !last) {
            throw bad(
                    text,
                    "has an empty segment, and requests have none (write \"" + text.replaceAll("/{2,}", "/") + "\")");
        }
        if (part.indexOf('{') >= 0 || part.indexOf('}') >= 0) {
            throw bad(text, "has braces inside a segment (expected: a variable is a whole segment)");
        }
        if (!CanonicalPath.isCanonical('/' + part)) {
            throw bad(text, "is not how requests spell it" + cure(part));
        }
        return part;
    }

    private static String cure(String part) {
        if (part.equals(".") || part.equals("..")) {
            return " (leave dot segments out)";
        }
        StringBuilder ascii = new StringBuilder("/");
        for (byte b : part.getBytes(StandardCharsets.UTF_8)) {
            ascii.append(b > ' ' ? String.valueOf((char) b) : String.format("%%%02X", b & 255));
        }
        try {
            String canonical = CanonicalPath.of(ascii.toString());
            return " (write \"" + canonical.substring(1) + "\")";
        } catch (GatewayException refused) {
            return ": such requests are refused (" + refused.reason() + ")";
        }
    }

    private static IllegalArgumentException bad(String text, String what) {
        return new IllegalArgumentException("path \"" + text + "\" " + what);
    }

    List<Segment> segments() {
        return segments;
    }

    /** Whether more segments may follow. */
    boolean open() {
        return open;
    }

    /** Whether it takes a canonical path. */
    boolean matches(String path) {
        int at = 0;
        for (Segment segment : segments) {
            if (at >= path.length()) {
                return false;
            }
            int start = at + 1;
            at = segmentEnd(path, start);
            boolean same = segment.variable
                    ? at > start
                    : segment.text.length() == at - start && path.startsWith(segment.text, start);
            if (!same) {
                return false;
            }
        }
        return open || at == path.length();
    }

    /** Where its own segments end in a path that it takes; 0 when it has none. */
    int prefixEnd(String path) {
        int at = 0;
        for (int i = 0; i < segments.size(); i++) {
            at = segmentEnd(path, at + 1);
        }
        return at;
    }

    /** Adds the variables of a path that it takes, percent-encoded as they are, in the order of the template. */
    void capture(String path, Map<String, String> variables) {
        int at = 0;
        for (Segment segment : segments) {
            int start = at + 1;
            at = segmentEnd(path, start);
            if (segment.variable) {
                variables.put(segment.text, path.substring(start, at));
            }
        }
        if (rest != null) {
            variables.put(rest, path.substring(Math.min(at + 1, path.length())));
        }
    }

    /** The names of its variables, in order. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        for (Segment segment : segments) {
            if (segment.variable) {
                names.add(segment.text);
            }
        }
        if (rest != null) {
            names.add(rest);
        }
        return names;
    }

    /** Whether some path is taken by both. */
    boolean overlaps(PathTemplate other) {
        int common = Math.min(segments.size(), other.segments.size());
        for (int i = 0; i < common; i++) {
            Segment mine = segments.get(i);
            Segment theirs = other.segments.get(i);
            boolean empty = mine.text.isEmpty() || theirs.text.isEmpty();
            boolean apart = (mine.variable || theirs.variable) ? empty : !mine.text.equals(theirs.text);
            if (apart) {
                return false;
            }
        }
        return (segments.size() <= other.segments.size() || other.open)
                && (segments.size() >= other.segments.size() || open);
    }

    /** Whether it takes every path that {@code other} takes. */
    boolean covers(PathTemplate other) {
        int more = other.segments.size() - segments.size();
        if (more < 0 || (!open && (more > 0 || other.open))) {
            return false;
        }
        for (int i = 0; i < segments.size(); i++) {
            Segment mine = segments.get(i);
            Segment theirs = other.segments.get(i);
            boolean covered = mine.variable
                    ? theirs.variable || !theirs.text.isEmpty()
                    : !theirs.variable && mine.text.equals(theirs.text);
            if (!covered) {
                return false;
            }
        }
        return true;
    }

    private static int segmentEnd(String path, int start) {
        int slash = path.indexOf('/', start);
        return slash < 0 ? path.length() : slash;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PathTemplate that
                && that.open == open
                && that.shape().equals(shape());
    }

    @Override
    public int hashCode() {
        return shape().hashCode();
    }

    // What a variable is called makes no difference to what is matched.
    private List<Segment> shape() {
        List<Segment> shape = new ArrayList<>(segments.size());
        for (Segment segment : segments) {
            shape.add(segment.variable ? new Segment(true, "") : segment);
        }
        return shape;
    }

    /** As written; prefixes end in a star. */
    @Override
    public String toString() {
        return text;
    }
}
