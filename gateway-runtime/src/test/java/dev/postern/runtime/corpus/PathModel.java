package dev.postern.runtime.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a path means, read without any of the gateway's code: its segments, decoded once, without empty ones and with dots
 * carried out (RFC 3986 5.2.4).
 *
 * @param segments bytes as characters
 * @param slash whether a slash ends it
 */
record PathModel(List<String> segments, boolean slash) {

    /** The meaning of a path as a client sent it; null when servers would not agree about it. */
    static @Nullable PathModel of(String raw) {
        List<String> segments = new ArrayList<>();
        boolean slash = false;
        for (String part : raw.substring(1).split("/", -1)) {
            String text = decoded(part);
            if (text == null) {
                return null;
            }
            slash = text.isEmpty() || text.equals(".") || text.equals("..");
            if (text.equals("..")) {
                if (segments.isEmpty()) {
                    return null;
                }
                segments.remove(segments.size() - 1);
            } else if (!slash) {
                segments.add(text);
            }
        }
        return new PathModel(segments, slash);
    }

    /** The meaning of a path in which nothing is left to do; anything else is an error. */
    static PathModel plain(String path) {
        PathModel model = of(path);
        if (model == null) {
            throw new AssertionError("not to be read in one way: " + path);
        }
        boolean dots = (path + '/').contains("/./") || (path + '/').contains("/../");
        if (dots || path.contains("//") || path.toLowerCase(Locale.ROOT).contains("%2e")) {
            throw new AssertionError("something is left to do in " + path);
        }
        return model;
    }

    /** This path with one text and segments behind it, its dots and empty segments carried out. */
    PathModel then(String text, List<String> rest, boolean endsInSlash) {
        List<String> all = new ArrayList<>(segments);
        boolean ends = text.isEmpty() || text.equals(".");
        if (text.equals("..")) {
            throw new AssertionError("forwarded, though it climbs: " + this);
        }
        if (!ends) {
            all.add(text);
        }
        all.addAll(rest);
        return new PathModel(all, endsInSlash || (ends && rest.isEmpty()));
    }

    private static @Nullable String decoded(String part) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < part.length(); i++) {
            char c = part.charAt(i);
            if (c == '%') {
                if (i + 2 >= part.length() || !part.substring(i + 1, i + 3).matches("[0-9a-fA-F]{2}")) {
                    return null;
                }
                c = (char) Integer.parseInt(part.substring(i + 1, i + 3), 16);
                i += 2;
                if (c == '/') {
                    return null;
                }
            }
            if (c == '\\' || c == ';' || c < ' ' || c == 127) {
                return null;
            }
            text.append(c);
        }
        return text.toString();
    }
}
