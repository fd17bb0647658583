package dev.postern.runtime.routing;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression over the whole path. Its run time is linear in the path (RE2), and its literal beginning is compared
 * first, so that most paths never start the machine.
 */
final class PathRegex {
    // A path of 8 KiB against a program of this size takes some milliseconds: the longest that a match may take.
    private static final int MAX_PROGRAM = 4_000;

    private static final Pattern FLAGS = Pattern.compile("\\(\\?[^:P<]");

    private final Pattern pattern;
    private final String literal;
    private final List<String> names;

    private PathRegex(Pattern pattern) {
        this.pattern = pattern;
        this.literal = literalBeginning(pattern.pattern());
        // By their place in the expression.
        List<Map.Entry<String, Integer>> groups =
                new ArrayList<>(pattern.namedGroups().entrySet());
        groups.sort(Map.Entry.comparingByValue());
        this.names = groups.stream().map(Map.Entry::getKey).toList();
    }

    /**
     * Reads an expression.
     *
     * @throws IllegalArgumentException when it is not accepted; the message says what to write
     */
    static PathRegex of(String regex) {
        PathRegex compiled = new PathRegex(compile("path regex", regex));
        if (!compiled.literal.isEmpty() && !compiled.literal.startsWith("/")) {
            throw new IllegalArgumentException(
                    "path regex \"" + regex + "\" matches no path: they begin with a slash (write \"/" + regex + "\")");
        }
        for (String name : compiled.names) {
            if (!PathTemplate.isName(name)) {
                throw new IllegalArgumentException("path regex \"" + regex + "\" has a group called \"" + name
                        + "\" (expected: a letter or _, then letters, digits, _ or -)");
            }
        }
        return compiled;
    }

    /** Compiles an expression of linear run time, or says why not. */
    static Pattern compile(String what, String regex) {
        Pattern compiled;
        try {
            compiled = Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    what + " \"" + regex + "\" is not accepted: "
                            + String.valueOf(e.getMessage()).replaceFirst("^error parsing regexp: ", "")
                            + " (expected: RE2 syntax, without look-around, back-references and possessive quantifiers)",
                    e);
        }
        if (compiled.programSize() > MAX_PROGRAM) {
            throw new IllegalArgumentException(what + " \"" + regex + "\" is too large: " + compiled.programSize()
                    + " steps (expected: at most " + MAX_PROGRAM + "; use smaller repetitions)");
        }
        return compiled;
    }

    boolean matches(String path) {
        return path.startsWith(literal) && pattern.matches(path);
    }

    /** Adds the named groups that took part, as they stand in the path. */
    void capture(String path, Map<String, String> variables) {
        if (names.isEmpty()) {
            return;
        }
        Matcher matcher = pattern.matcher(path);
        if (matcher.matches()) {
            for (String name : names) {
                String value = matcher.group(name);
                variables.put(name, value == null ? "" : value);
            }
        }
    }

    List<String> names() {
        return names;
    }

    /** What every path it matches begins with; may be empty. */
    String literal() {
        return literal;
    }

    /** Whether the literal beginnings alone show that no path is matched by both. */
    boolean isApartFrom(PathRegex other) {
        return !literal.startsWith(other.literal) && !other.literal.startsWith(literal);
    }

    /** The characters in front of the first that means something else; conservative: "" when in doubt. */
    static String literalBeginning(String regex) {
        // A group of flags is no operand: in "/b(?i)*" the star repeats the b in front.
        boolean hasFlags = FLAGS.matcher(regex).find();
        if (hasFlags || regex.contains("\\Q") || hasAlternatives(regex)) {
            return "";
        }
        StringBuilder literal = new StringBuilder();
        int at = regex.startsWith("^") ? 1 : 0;
        while (at < regex.length()) {
            char c = regex.charAt(at);
            int next = at + 1;
            if (c == '\\' && next < regex.length() && !Character.isLetterOrDigit(regex.charAt(next))) {
                c = regex.charAt(next++);
            } else if ("\\.[(*+?{^$)|".indexOf(c) >= 0) {
                break;
            }
            char quantifier = next < regex.length() ? regex.charAt(next) : 0;
            if (quantifier == '*' || quantifier == '?' || quantifier == '{') {
                break;
            }
            literal.append(c);
            at = next;
        }
        return literal.toString();
    }

    private static boolean hasAlternatives(String regex) {
        int depth = 0;
        boolean inClass = false;
        for (int i = 0; i < regex.length(); i++) {
            char c = regex.charAt(i);
            if (c == '\\') {
                i++;
            } else if (inClass) {
                inClass = c != ']';
            } else if (c == '[') {
                inClass = true;
                // A bracket right behind the opening one is a member.
                i += regex.startsWith("^]", i + 1) ? 2 : regex.startsWith("]", i + 1) ? 1 : 0;
            } else if (c == '(') {
                depth++;
            } else if (c == ')') {
                depth--;
            } else if (c == '|' && depth == 0) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PathRegex that && that.pattern.pattern().equals(pattern.pattern());
    }

    @Override
    public int hashCode() {
        return pattern.pattern().hashCode();
    }

    @Override
    public String toString() {
        return "~ " + pattern.pattern();
    }
}
