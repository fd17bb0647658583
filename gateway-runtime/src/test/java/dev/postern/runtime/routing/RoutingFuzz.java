package dev.postern.runtime.routing;

import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Rewrite;
import dev.postern.runtime.edge.CanonicalPath;
import dev.postern.runtime.rig.Fuzz;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Parsers of this package, for the fuzzer. */
public final class RoutingFuzz {
    private RoutingFuzz() {}

    private interface Reader {
        int read(String text);
    }

    /** A mistake is an IllegalArgumentException with words, nothing else. */
    private static Fuzz.Target of(Reader reader) {
        return input -> {
            try {
                return reader.read(new String(input, StandardCharsets.ISO_8859_1));
            } catch (IllegalArgumentException mistake) {
                if (mistake.getClass() != IllegalArgumentException.class || mistake.getMessage() == null) {
                    throw mistake;
                }
                return mistake.getMessage().replaceAll("\".*\"|[0-9]+|0x.*", "").hashCode() & 255;
            }
        };
    }

    /** A template is what it says it is. */
    public static Fuzz.Target template() {
        return of(text -> {
            PathTemplate template = PathTemplate.template(text);
            check(PathTemplate.template(template.toString()).equals(template), "read again: " + template);
            return 256 + template.toString().length();
        });
    }

    /** The same of a prefix. */
    public static Fuzz.Target prefix() {
        return of(text -> {
            PathTemplate template = PathTemplate.prefix(text);
            return 256 + template.toString().length();
        });
    }

    /** What an expansion makes begins with what it says it begins with. */
    public static Fuzz.Target expansion() {
        return of(text -> {
            PathExpansion expansion = PathExpansion.of(text);
            String made = expansion.expand(Map.of("a", "x", "b", "y"));
            check(made.startsWith(expansion.fixedPrefix()), made);
            return 256 + expansion.names().size();
        });
    }

    /** Whatever compiles matches in linear time and says so itself. */
    public static Fuzz.Target regex() {
        String long1 = "/" + "a".repeat(200) + "!";
        return of(text -> {
            PathRegex regex = PathRegex.of(text);
            check(PathRegex.of(text).equals(regex), "equal");
            PathRegex.compile("fuzz", text).matcher(long1).matches();
            return 256 + regex.toString().length();
        });
    }

    /** Hosts. */
    public static Fuzz.Target host() {
        return of(text -> {
            HostPattern host = HostPattern.parse(text);
            return 256 + (host.toString().length() & 63);
        });
    }

    /** Networks read again from their own text are the same. */
    public static Fuzz.Target cidr() {
        return of(text -> {
            Cidr network = Cidr.parse(text);
            check(Cidr.parse(network.toString()).equals(network), "read again: " + network);
            check(network.contains(network), "contains itself");
            return 256 + network.toString().length();
        });
    }

    /** What an edit sets is what every reader reads, once; what it does not name stays. */
    public static Fuzz.Target queryEdits() {
        QueryEdits set = new QueryEdits(Rewrite.none().setQuery("a b", "=&%+#").edits());
        QueryEdits remove = new QueryEdits(Rewrite.none().removeQuery("a").edits());
        return of(text -> {
            Request request = Request.of("GET", "/").withQuery(text);
            Request changed = request.withQuery(set.apply(request.query()));
            check(changed.queryParameters("a b").equals(List.of("=&%+#")), "set: " + changed.target());
            check(
                    changed.queryParameters("other").equals(request.queryParameters("other")),
                    "the other: " + changed.target());
            Request without = request.withQuery(remove.apply(request.query()));
            check(without.queryParameters("a").isEmpty(), "removed: " + without.target());
            check(
                    without.queryParameters("other").equals(request.queryParameters("other")),
                    "the other: " + without.target());
            return 256
                    + request.queryParameters("a").size() * 16
                    + request.queryParameters("other").size();
        });
    }

    /** What a path captures is what stands there, decoded as the JDK decodes it. */
    public static Fuzz.Target variables() {
        PathTemplate template = PathTemplate.template("/a/{b}/x/{c}/y/{d...}");
        return input -> {
            String path;
            try {
                path = CanonicalPath.of(new String(input, StandardCharsets.ISO_8859_1));
            } catch (GatewayException refused) {
                return 0;
            }
            if (!template.matches(path)) {
                return 1;
            }
            Map<String, String> captured = new LinkedHashMap<>();
            template.capture(path, captured);
            String back = "/a/" + captured.get("b") + "/x/" + captured.get("c") + "/y/" + captured.get("d");
            check(back.equals(path) || back.equals(path + '/'), captured + " of " + path);
            for (String value : captured.values()) {
                String decoded = URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
                check(Routed.decode(value).equals(decoded), value);
            }
            return 2 + path.length();
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
