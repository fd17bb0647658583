package dev.postern.runtime.routing;

import com.google.re2j.Pattern;
import dev.postern.Condition;
import dev.postern.Problem;
import dev.postern.Route;
import dev.postern.TextRule;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Makes a table out of routes, and a problem out of everything in them that cannot be meant. Used once. */
final class TableCompiler {
    private static final List<String> LOWER_METHODS =
            List.of("get", "head", "post", "put", "patch", "delete", "options", "trace", "connect");

    // Some 50 microseconds. Tables that people write stay below a hundred; a client chooses the path, so the worst
    // counts.
    private static final long MAX_VISITS = 1_000;

    private final List<Problem> problems;
    private final Methods methods = new Methods();
    private final HostTable hosts = new HostTable();
    private final List<Entry> entries = new ArrayList<>();
    private final Map<Name, Integer> slots = new HashMap<>();
    // One object for all routes that ask for the same: it is in the processor's cache then.
    private final Map<Requirement, Requirement> shared = new HashMap<>();
    private final Map<List<Requirement>, Requirement[]> tries = new HashMap<>();
    // Of the route at hand: or-alternatives repeat conditions, and each mistake is told once.
    private final Set<String> mistakes = new LinkedHashSet<>();
    private int number;

    private record Name(TextSource source, String name) {}

    TableCompiler(List<Problem> problems) {
        this.problems = problems;
    }

    RoutingTable compile(List<Route> routes) {
        for (Route route : routes) {
            mistakes.clear();
            compile(route);
            number++;
            for (String mistake : mistakes) {
                problems.add(Problem.error(route.toString(), mistake));
            }
        }
        entries.forEach(hosts::insert);
        hosts.seal();
        new Reachability(hosts, methods, problems).check(entries);
        hosts.pack();
        hosts.forEach(this::checkVisits);
        return new RoutingTable(hosts, methods, entries, slots.size());
    }

    private void checkVisits(HostTable.Paths paths) {
        long visits = paths.root().mostVisits();
        if (visits > MAX_VISITS) {
            String host = paths.host() == null ? "" : " on " + paths.host();
            problems.add(Problem.warning(
                    "routes",
                    "some path" + host + " may take " + visits + " steps to find a route (expected: at most "
                            + MAX_VISITS
                            + "; use fewer templates that differ in where they have a variable or a literal)"));
        }
    }

    private void compile(Route route) {
        List<List<Condition>> alternatives =
                orMistake(() -> Alternatives.of(route.match().condition()));
        if (alternatives == null) {
            return;
        }
        if (alternatives.isEmpty()) {
            mistakes.add("can never match: its match has no alternative (give anyOf at least one)");
            return;
        }
        int before = entries.size();
        @Nullable String contradiction = null;
        for (List<Condition> alternative : alternatives) {
            String against = add(route, alternative);
            contradiction = contradiction == null ? against : contradiction;
        }
        // A contradiction in one alternative is natural when ors are combined; in all of them it is a mistake.
        if (entries.size() == before && mistakes.isEmpty() && contradiction != null) {
            mistakes.add("can never match: " + contradiction);
        }
    }

    /** Adds the entry of an alternative; returns why it can never hold, if that is so. */
    private @Nullable String add(Route route, List<Condition> conditions) {
        @Nullable List<HostPattern> hostsOf = null;
        @Nullable List<String> methodsOf = null;
        List<PathTemplate> templates = new ArrayList<>();
        List<Requirement> regexes = new ArrayList<>();
        Set<Requirement> others = new LinkedHashSet<>();
        int mistakesBefore = mistakes.size();
        for (Condition condition : conditions) {
            if (condition instanceof Condition.Hosts some) {
                hostsOf = intersection(hostsOf, hosts(some));
            } else if (condition instanceof Condition.Methods some) {
                methodsOf =
                        intersection(methodsOf, methods(some), some.methods().isEmpty());
            } else {
                Requirement requirement = requirement(condition);
                if (requirement instanceof Requirement.Path path) {
                    templates.add(path.template());
                } else if (requirement instanceof Requirement.Regex) {
                    regexes.add(requirement);
                } else if (requirement != null) {
                    others.add(requirement);
                }
            }
        }
        if (mistakes.size() > mistakesBefore) {
            return null;
        }
        if (hostsOf != null && hostsOf.isEmpty()) {
            return "no host is in all of its host conditions";
        }
        if (methodsOf != null && methodsOf.isEmpty()) {
            return "no method is in all of its method conditions";
        }
        @Nullable PathTemplate template = primary(templates, regexes.isEmpty());
        // What is left of the paths must hold too, unless the one in the trie says it already.
        Set<Requirement> requirements = new LinkedHashSet<>(regexes);
        templates.stream()
                .filter(more -> template == null
                        || !(more.covers(template) && template.names().containsAll(more.names())))
                .forEach(more -> requirements.add(new Requirement.Path(more)));
        requirements.addAll(others);
        return add(route, hostsOf, template, methodsOf, new ArrayList<>(requirements));
    }

    private @Nullable String add(
            Route route,
            @Nullable List<HostPattern> hostsOf,
            @Nullable PathTemplate template,
            @Nullable List<String> methodsOf,
            List<Requirement> requirements) {
        // An expression that stands for the path stays first. Then the cheap ones; predicates, which may cost anything,
        // last.
        requirements
                .subList(template == null ? 1 : 0, requirements.size())
                .sort(Comparator.comparing(Requirement::kind));
        String against = contradiction(template, requirements);
        if (against != null) {
            return against;
        }
        int mistakesBefore = mistakes.size();
        checkNames(template, requirements);
        Methods.Mask mask = methodsOf == null ? Methods.Mask.ANY : methods.mask(methodsOf);
        if (mask == null) {
            mistakes.add("brings the number of different methods in the table above " + Long.SIZE + " (use fewer)");
        } else if (mistakes.size() == mistakesBefore) {
            List<HostPattern> all = hostsOf == null ? List.of() : hostsOf;
            Requirement[] tried =
                    tries.computeIfAbsent(List.copyOf(requirements), same -> same.toArray(new Requirement[0]));
            entries.add(new Entry(route, number, entries.size(), all, template, mask, tried));
        }
        return null;
    }

    /** The template that goes into the trie: a closed one before an open one, then the longest. Null for an expression. */
    private static @Nullable PathTemplate primary(List<PathTemplate> templates, boolean orAny) {
        return templates.stream()
                .max(Comparator.comparing((PathTemplate template) -> !template.open())
                        .thenComparing(template -> template.segments().size()))
                .orElse(orAny ? PathTemplate.ANY : null);
    }

    private static @Nullable String contradiction(@Nullable PathTemplate template, List<Requirement> requirements) {
        List<Requirement> all = new ArrayList<>(requirements);
        if (template != null) {
            all.add(new Requirement.Path(template));
        }
        for (int i = 0; i < all.size(); i++) {
            for (int j = 0; j < i; j++) {
                if (all.get(i).contradicts(all.get(j))) {
                    return "it asks for both \"" + all.get(j) + "\" and \"" + all.get(i)
                            + "\" (one of them is too much)";
                }
            }
        }
        return null;
    }

    private void checkNames(@Nullable PathTemplate template, List<Requirement> requirements) {
        Set<String> names = new LinkedHashSet<>();
        List<String> all = new ArrayList<>(template == null ? List.of() : template.names());
        for (Requirement requirement : requirements) {
            if (requirement instanceof Requirement.Path path) {
                all.addAll(path.template().names());
            } else if (requirement instanceof Requirement.Regex regex) {
                all.addAll(regex.regex().names());
            }
        }
        for (String name : all) {
            if (!names.add(name)) {
                mistakes.add("captures {" + name + "} twice (give each path variable a name of its own)");
            }
        }
    }

    private List<HostPattern> hosts(Condition.Hosts some) {
        if (some.hosts().isEmpty()) {
            mistakes.add("has a host condition without a host (name one, or leave the condition out)");
        }
        List<HostPattern> patterns = new ArrayList<>();
        for (String text : some.hosts()) {
            HostPattern pattern = orMistake(() -> HostPattern.parse(text));
            if (pattern != null && !patterns.contains(pattern)) {
                patterns.add(pattern);
            }
        }
        return patterns;
    }

    private static List<HostPattern> intersection(@Nullable List<HostPattern> before, List<HostPattern> more) {
        if (before == null) {
            return more;
        }
        Set<HostPattern> common = new LinkedHashSet<>();
        for (HostPattern one : before) {
            for (HostPattern other : more) {
                HostPattern both = one.and(other);
                if (both != null) {
                    common.add(both);
                }
            }
        }
        return List.copyOf(common);
    }

    private List<String> methods(Condition.Methods some) {
        if (some.methods().isEmpty()) {
            mistakes.add("has a method condition without a method (name one, or leave the condition out)");
        }
        List<String> names = List.copyOf(some.methods());
        for (String name : names) {
            if (!isToken(name)) {
                mistakes.add("method \"" + name + "\" is not a token (expected: letters such as GET)");
            } else if (LOWER_METHODS.contains(name)) {
                mistakes.add("method \"" + name + "\" is not one that clients send: methods are upper-case (write \""
                        + name.toUpperCase(Locale.ROOT) + "\")");
            } else if (!Methods.isServed(name)) {
                mistakes.add("method \"" + name + "\" is never served (leave it out)");
            }
        }
        return names;
    }

    private static List<String> intersection(@Nullable List<String> before, List<String> more, boolean isMistake) {
        return before == null || isMistake
                ? more
                : before.stream().filter(more::contains).toList();
    }

    /** Compiles any condition; null when there is a mistake in it, which is then noted. */
    private @Nullable Requirement requirement(Condition condition) {
        if (condition instanceof Condition.Path path) {
            return orMistake(() -> new Requirement.Path(PathTemplate.template(path.template())));
        }
        if (condition instanceof Condition.Prefix prefix) {
            return orMistake(() -> new Requirement.Path(PathTemplate.prefix(prefix.prefix())));
        }
        if (condition instanceof Condition.PathRegex regex) {
            return orMistake(() -> new Requirement.Regex(PathRegex.of(regex.regex())));
        }
        if (condition instanceof Condition.Header header) {
            return text(TextSource.HEADER, header.name(), header.rule());
        }
        if (condition instanceof Condition.Query query) {
            return text(TextSource.QUERY, query.name(), query.rule());
        }
        if (condition instanceof Condition.Cookie cookie) {
            return text(TextSource.COOKIE, cookie.name(), cookie.rule());
        }
        if (condition instanceof Condition.Client client) {
            return client(client);
        }
        if (condition instanceof Condition.Between between) {
            return between(between);
        }
        if (condition instanceof Condition.Daily daily) {
            return daily(daily);
        }
        if (condition instanceof Condition.When when) {
            return new Requirement.When(when.predicate());
        }
        if (condition instanceof Condition.Hosts some) {
            return new Requirement.Hosts(new LinkedHashSet<>(hosts(some)));
        }
        if (condition instanceof Condition.Methods some) {
            return new Requirement.Methods(new LinkedHashSet<>(methods(some)));
        }
        if (condition instanceof Condition.Not not) {
            Requirement inner = requirement(not.condition());
            return inner == null ? null : new Requirement.Not(inner);
        }
        return condition instanceof Condition.AnyOf any
                ? group(any.conditions(), Requirement.AnyOf::new)
                : group(((Condition.All) condition).conditions(), Requirement.All::new);
    }

    private @Nullable Requirement group(List<Condition> conditions, Function<List<Requirement>, Requirement> make) {
        List<Requirement> inner = new ArrayList<>();
        for (Condition condition : conditions) {
            Requirement requirement = requirement(condition);
            if (requirement != null) {
                inner.add(requirement);
            }
        }
        if (conditions.isEmpty()) {
            mistakes.add("negates a match without conditions (leave it out)");
        }
        return inner.isEmpty() || inner.size() < conditions.size() ? null : make.apply(inner);
    }

    private @Nullable Requirement text(TextSource source, String name, TextRule rule) {
        boolean isName = source == TextSource.QUERY ? !name.isEmpty() : isToken(name);
        if (!isName) {
            mistakes.add(source + " \"" + name + "\" is no name" + (name.isEmpty() ? "" : " (expected: a token)"));
            return null;
        }
        String key = source.key(name);
        int slot = slots.computeIfAbsent(new Name(source, key), any -> slots.size());
        if (!(rule instanceof TextRule.Matches matches)) {
            Requirement made = new Requirement.Text(source, key, slot, rule, null);
            return shared.computeIfAbsent(made, first -> first);
        }
        Pattern pattern = orMistake(() -> PathRegex.compile(source + " " + name + ": regex", matches.regex()));
        return pattern == null ? null : new Requirement.Text(source, key, slot, rule, pattern);
    }

    private @Nullable Requirement client(Condition.Client client) {
        if (client.networks().isEmpty()) {
            mistakes.add("has a client condition without a network (name one, or leave the condition out)");
            return null;
        }
        List<Cidr> networks = new ArrayList<>();
        for (String text : client.networks()) {
            Cidr network = orMistake(() -> Cidr.parse(text));
            if (network != null) {
                networks.add(network);
            }
        }
        return networks.isEmpty() ? null : new Requirement.Client(new CidrSet(networks));
    }

    private @Nullable Requirement between(Condition.Between between) {
        if (!between.from().isBefore(between.until())) {
            mistakes.add("can never match: between " + between.from() + " and " + between.until()
                    + " is no time (expected: from before until)");
            return null;
        }
        return new Requirement.Between(between.from(), between.until());
    }

    private @Nullable Requirement daily(Condition.Daily daily) {
        if (daily.from().equals(daily.until())) {
            mistakes.add("daily from " + daily.from() + " until " + daily.until()
                    + " may mean all day or never (leave it out, or choose another end)");
            return null;
        }
        return new Requirement.Daily(daily.from(), daily.until(), daily.zone());
    }

    private <T> @Nullable T orMistake(Supplier<T> parse) {
        try {
            return parse.get();
        } catch (IllegalArgumentException mistake) {
            mistakes.add(String.valueOf(mistake.getMessage()));
            return null;
        }
    }

    // RFC 9110 5.6.2.
    private static boolean isToken(String text) {
        return !text.isEmpty()
                && text.chars()
                        .allMatch(c -> (c >= '0' && c <= '9')
                                || (c >= 'a' && c <= 'z')
                                || (c >= 'A' && c <= 'Z')
                                || "!#$%&'*+-.^_`|~".indexOf(c) >= 0);
    }
}
