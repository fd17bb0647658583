package dev.postern.runtime.routing;

import dev.postern.ClientInfo;
import dev.postern.Explanation.Considered;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.TimeSource;
import dev.postern.runtime.edge.Authority;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All routes of a gateway, compiled: says which one takes a request. Immutable.
 *
 * <p>Of the routes that accept a request the most specific takes it:
 *
 * <ol>
 *   <li>host: an exact name, then suffixes, the longest first, then none;
 *   <li>path, segment by segment: literal, {@code {var}}, {@code {rest...}} and prefix; expressions after all of these;
 *   <li>with a condition on the method before without; naming {@code HEAD} before serving it because of {@code GET};
 *   <li>the number of header conditions, then of query, cookie, client and time conditions, then of others;
 *   <li>with {@code when} before without;
 *   <li>the order of declaration.
 * </ol>
 *
 * <p>A search visits each node of the trie at most once, and looks at the alternatives of one host and path in their order.
 * Those that do not take the request cost no allocation, except where an expression has to be run.
 */
public final class RoutingTable {
    private static final int MAX_EXPLAINED = 100;

    private final HostTable hosts;
    private final Methods methods;
    private final List<Entry> entries;
    private final int slots;

    RoutingTable(HostTable hosts, Methods methods, List<Entry> entries, int slots) {
        this.hosts = hosts;
        this.methods = methods;
        this.entries = List.copyOf(entries);
        this.slots = slots;
    }

    /**
     * Compiles routes and looks for those that can never be reached.
     *
     * @param problems receives what is wrong; after an error the table knows only the routes without one
     */
    public static RoutingTable compile(List<Route> routes, List<Problem> problems) {
        return new TableCompiler(problems).compile(routes);
    }

    /** The route for a request, whose path and authority must be canonical. */
    public Routed find(Request request, ClientInfo client, TimeSource time) {
        return decide(new Search(new Facts(request, client, time, slots), methods, false));
    }

    /** The same decision with its reasons. Runs the predicates that the decision runs, no others. */
    public Explained explain(Request request, ClientInfo client, TimeSource time) {
        Search search = new Search(new Facts(request, client, time, slots), methods, true);
        Routed routed = decide(search);
        return new Explained(routed, considered(search, routed));
    }

    private Routed decide(Search search) {
        Entry found = hosts.find(search);
        if (found != null) {
            return Routed.to(found, search.path());
        }
        if (search.missedByMethod()) {
            search.collectAllowed();
            hosts.find(search);
            if (search.allowed() != 0) {
                return Routed.notAllowed(search.path(), methods.names(search.allowed()));
            }
        }
        return Routed.nowhere(search.path());
    }

    /** The number of trie nodes that a search visits: tests bound it. */
    int visits(Request request, ClientInfo client, TimeSource time) {
        Search search = new Search(new Facts(request, client, time, slots), methods, false);
        hosts.find(search);
        return search.visits();
    }

    private List<Considered> considered(Search search, Routed routed) {
        List<Considered> all = new ArrayList<>();
        Set<Entry> seen = new HashSet<>();
        for (Search.Look look : search.trail()) {
            seen.add(look.entry());
            if (all.size() < MAX_EXPLAINED || look.against() == null) {
                all.add(look.considered());
            }
        }
        for (Entry entry : entries) {
            if (all.size() >= MAX_EXPLAINED) {
                break;
            }
            if (seen.add(entry)) {
                all.add(new Considered(entry.route().id(), false, notTried(entry, search, routed)));
            }
        }
        return all;
    }

    private static String notTried(Entry entry, Search search, Routed routed) {
        Request request = search.facts().request();
        String authority = request.authority();
        int end = Authority.hostEnd(authority);
        if (!entry.hosts().isEmpty() && entry.hosts().stream().noneMatch(host -> host.matches(authority, end))) {
            return "host is not " + listed(entry.hosts());
        }
        @Nullable PathTemplate template = entry.template();
        if (template != null && !template.matches(request.path())) {
            return "path is not " + template;
        }
        return routed.failure() == null
                ? "not tried: " + routed.route().id() + " is more specific or declared earlier"
                : "not tried";
    }

    private static String listed(List<HostPattern> hosts) {
        List<String> names = hosts.stream().map(HostPattern::toString).toList();
        return String.join(", ", names);
    }
}
