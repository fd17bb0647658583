package dev.postern.runtime.routing;

import dev.postern.Route;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One alternative of one route: what it takes, and how specific that is. */
final class Entry implements Place, Comparable<Entry> {
    private final Route route;
    private final int number;
    private final int order;
    private final List<HostPattern> hosts;
    private final @Nullable PathTemplate template;
    private final Methods.Mask methods;
    private final Requirement[] requirements;
    private final long weight;
    // Somebody's, see Routed.
    private volatile @Nullable Object memo;

    /**
     * Made by the compiler.
     *
     * @param number of the route in the table's list
     * @param order of declaration, counted in alternatives
     * @param hosts empty for every host
     * @param template null when the path is matched by an expression, which is then the first requirement
     * @param requirements in the order in which they are tried; entries that ask for the same share them
     */
    Entry(
            Route route,
            int number,
            int order,
            List<HostPattern> hosts,
            @Nullable PathTemplate template,
            Methods.Mask methods,
            Requirement[] requirements) {
        this.route = route;
        this.number = number;
        this.order = order;
        this.hosts = List.copyOf(hosts);
        this.template = template;
        this.methods = methods;
        this.requirements = requirements;
        // An expression that stands for the path does not count.
        List<Requirement> all = List.of(requirements);
        this.weight = weight(methods, template == null ? all.subList(1, all.size()) : all);
    }

    // The kinds in eight bits each, in their order: the larger number is the more specific alternative.
    private static long weight(Methods.Mask methods, List<Requirement> requirements) {
        long weight = methods.isAny() ? 0 : 1;
        for (Requirement.Kind kind : Requirement.Kind.values()) {
            long count = requirements.stream()
                    .filter(requirement -> requirement.kind() == kind)
                    .count();
            weight = weight << 8 | Math.min(count, 255);
        }
        return weight;
    }

    Route route() {
        return route;
    }

    int number() {
        return number;
    }

    @Nullable
    Object memo() {
        return memo;
    }

    void memo(Object newMemo) {
        memo = newMemo;
    }

    List<HostPattern> hosts() {
        return hosts;
    }

    @Nullable
    PathTemplate template() {
        return template;
    }

    Methods.Mask methods() {
        return methods;
    }

    List<Requirement> requirements() {
        return List.of(requirements);
    }

    /** The expression over the whole path, when that is how its path is matched. */
    @Nullable
    PathRegex regex() {
        return template == null && requirements[0] instanceof Requirement.Regex regex ? regex.regex() : null;
    }

    @Override
    public @Nullable Entry find(Search search) {
        return search.takes(this) ? this : null;
    }

    @Override
    public List<Entry> entries() {
        return List.of(this);
    }

    @Override
    public void seal() {
        // There is nothing to put in order.
    }

    /** The first requirement that does not hold, or null. */
    @Nullable
    Requirement failing(Facts facts) {
        for (Requirement requirement : requirements) {
            if (!requirement.holds(facts)) {
                return requirement;
            }
        }
        return null;
    }

    /** The one text that {@code name} of {@code source} must be, or null when it may be several. */
    @Nullable
    String expected(TextSource source, String name) {
        for (Requirement requirement : requirements) {
            if (requirement instanceof Requirement.Text text
                    && text.source() == source
                    && text.name().equals(name)) {
                String expected = text.expected();
                if (expected != null) {
                    return expected;
                }
            }
        }
        return null;
    }

    /** Where the part of the path ends that the template names itself. */
    int prefixEnd(String path) {
        return template == null ? path.length() : template.prefixEnd(path);
    }

    /** The variables of a path that it takes, percent-encoded, in the order of the templates. */
    Map<String, String> capture(String path) {
        Map<String, String> variables = new LinkedHashMap<>();
        if (template != null) {
            template.capture(path, variables);
        }
        for (Requirement requirement : requirements) {
            if (requirement instanceof Requirement.Path more) {
                more.template().capture(path, variables);
            } else if (requirement instanceof Requirement.Regex regex) {
                regex.regex().capture(path, variables);
            }
        }
        return variables;
    }

    /** Among alternatives of one host and path: the more specific first, then the one declared first. */
    @Override
    public int compareTo(Entry other) {
        int byWeight = Long.compare(other.weight, weight);
        return byWeight != 0 ? byWeight : Integer.compare(order, other.order);
    }

    /** Whether only the order of declaration decides between the two. */
    boolean ties(Entry other) {
        return weight == other.weight;
    }

    // Identity: two alternatives are never the same, and compareTo never says so.
    @Override
    public boolean equals(@Nullable Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return order;
    }

    /** {@code GET /orders/{id} on api.example.com with header version = 2}. */
    @Override
    public String toString() {
        return describe(methods, hosts);
    }

    /** The same for some of its methods and hosts. */
    String describe(Methods.Mask some, List<HostPattern> onHosts) {
        StringBuilder text = new StringBuilder(some.isAny() ? "" : some + " ");
        text.append(template == null ? requirements[0] : template);
        String separator = " on ";
        for (HostPattern host : onHosts) {
            text.append(separator).append(host);
            separator = ", ";
        }
        separator = " with ";
        for (int i = template == null ? 1 : 0; i < requirements.length; i++) {
            text.append(separator).append(requirements[i]);
            separator = ", ";
        }
        return text.toString();
    }
}
