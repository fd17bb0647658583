package dev.postern.traffic;

import dev.postern.Request;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The path and query of a call, with references in it.
 *
 * <p>A value never changes the shape of the target. It is percent-encoded down to the unreserved characters (RFC 3986 2.3).
 * In a path that is not enough: servers decode {@code %2F} and {@code %2E%2E} before they look, each at another moment. So a
 * value that holds a slash, a backslash or a control character, and a segment that comes out empty, as {@code .} or as
 * {@code ..}, is unusable. In a query everything is allowed.
 */
final class TargetTemplate {
    private static final String HEX = "0123456789ABCDEF";

    private final List<Template> segments;
    private final @Nullable Template query;

    private TargetTemplate(List<Template> segments, @Nullable Template query) {
        this.segments = segments;
        this.query = query;
    }

    /** Parses; what is wrong is reported. */
    static TargetTemplate parse(String target, Consumer<String> problems) {
        int mark = target.indexOf('?');
        String path = mark < 0 ? target : target.substring(0, mark);
        Template query = mark < 0 ? null : Template.parse(target.substring(mark + 1), problems);
        List<Template> segments = new ArrayList<>();
        if (path.startsWith("/")) {
            for (String segment : path.substring(1).split("/", -1)) {
                segments.add(Template.parse(segment, problems));
            }
        } else {
            problems.accept("target \"" + target + "\" does not begin with / (expected: a path of the upstream)");
        }
        TargetTemplate template = new TargetTemplate(List.copyOf(segments), query);
        template.checkFixedParts(target, problems);
        return template;
    }

    List<Reference> references() {
        List<Reference> all = new ArrayList<>();
        segments.forEach(segment -> all.addAll(segment.references()));
        if (query != null) {
            all.addAll(query.references());
        }
        return all;
    }

    /**
     * The target with these values in it.
     *
     * @throws UnusableValue when a value cannot stand in its place
     */
    String fill(Function<Reference, String> values) {
        StringBuilder target = new StringBuilder();
        for (Template segment : segments) {
            String text = segment.fill(reference -> inPath(reference, values.apply(reference)));
            if (!segment.references().isEmpty() && (text.isEmpty() || text.equals(".") || text.equals(".."))) {
                throw new UnusableValue(segment.references().get(0), "makes the segment \"" + text + '"');
            }
            target.append('/').append(text);
        }
        if (query != null) {
            target.append('?').append(query.fill(reference -> encoded(values.apply(reference))));
        }
        return target.toString();
    }

    private void checkFixedParts(String target, Consumer<String> problems) {
        String example = fill(reference -> "x");
        try {
            if (!example.isEmpty()) {
                Request.get(example);
            }
        } catch (IllegalArgumentException wrong) {
            problems.accept("target \"" + target + "\" cannot be sent (" + wrong.getMessage() + ")");
            return;
        }
        String lower = example.toLowerCase(Locale.ROOT);
        int end = lower.indexOf('?') < 0 ? lower.length() : lower.indexOf('?');
        String path = lower.substring(0, end) + '/';
        if (path.contains("/./")
                || path.contains("/../")
                || path.contains("%2e")
                || path.contains("%2f")
                || path.contains("%5c")) {
            problems.accept("target \"" + target
                    + "\" has dot segments or encoded dots or slashes (expected: the path they lead to)");
        }
    }

    private static String inPath(Reference reference, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '/' || c == '\\' || Character.isISOControl(c)) {
                throw new UnusableValue(reference, "holds a slash, a backslash or a control character");
            }
        }
        return encoded(value);
    }

    private static String encoded(String value) {
        StringBuilder out = new StringBuilder(value.length() + 16);
        for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
            if (isUnreserved(b)) {
                out.append((char) b);
            } else {
                out.append('%').append(HEX.charAt((b >> 4) & 15)).append(HEX.charAt(b & 15));
            }
        }
        return out.toString();
    }

    private static boolean isUnreserved(byte b) {
        return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || "-._~".indexOf(b) >= 0;
    }
}
