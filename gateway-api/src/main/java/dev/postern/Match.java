package dev.postern;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What a route accepts. Conditions added to a match must all hold.
 *
 * <p>Among routes that accept a request the most specific wins: host (exact before longest suffix before none), path
 * segment by segment (literal before {@code {var}} before {@code {rest...}} and prefix before regex), method, then the
 * number of header, query, cookie, client and time conditions, then {@link #when}, then the order of declaration. Routes
 * that can never win are problems when the gateway is built.
 *
 * <p>An interface, so that the factories cannot be called on a match by mistake, which would drop what it holds.
 *
 * <p>Paths are compared in canonical form, percent-encoded, upper- and lower-case being different.
 */
public sealed interface Match permits MatchValue {
    /** Every request. */
    static Match any() {
        return MatchValue.ANY;
    }

    /**
     * A path template. {@code /a/b} is that path and no other, also not {@code /a/b/}; {@code {id}} takes one segment that
     * is not empty; {@code {rest...}} at the end takes everything below, nothing included.
     */
    static Match path(String template) {
        return new MatchValue(new Condition.Path(Objects.requireNonNull(template, "template")));
    }

    /** A path and everything below it, on whole segments: {@code /a} takes {@code /a}, {@code /a/}, {@code /a/b}, not {@code /ab}. */
    static Match prefix(String prefix) {
        return new MatchValue(new Condition.Prefix(Objects.requireNonNull(prefix, "prefix")));
    }

    /** A regular expression of linear run time (RE2 syntax) that the whole path matches; named groups become path variables. */
    static Match pathRegex(String regex) {
        return new MatchValue(new Condition.PathRegex(Objects.requireNonNull(regex, "regex")));
    }

    /** Hosts: {@code api.example.com}, or {@code *.example.com} for every name below, not the name itself. Ports do not count. */
    static Match host(String... hosts) {
        return new MatchValue(new Condition.Hosts(texts(hosts)));
    }

    /** At least one of these. Counts as several routes in a row. */
    static Match anyOf(Match... alternatives) {
        List<Condition> all = new ArrayList<>();
        for (Match alternative : alternatives) {
            all.add(alternative.condition());
        }
        return new MatchValue(new Condition.AnyOf(all));
    }

    /** Not this. */
    static Match not(Match match) {
        return new MatchValue(new Condition.Not(match.condition()));
    }

    /** Both this and that. */
    default Match and(Match other) {
        return with(other.condition());
    }

    /** Either this or that. */
    default Match or(Match other) {
        return anyOf(this, other);
    }

    /** One of these methods. A route for {@code GET} also serves {@code HEAD}. */
    default Match method(String... methods) {
        return with(new Condition.Methods(texts(methods)));
    }

    /** A header with this value. */
    default Match header(String name, String value) {
        return header(name, TextRule.is(value));
    }

    /** A header whose first line follows a rule. */
    default Match header(String name, TextRule rule) {
        return with(new Condition.Header(name, rule));
    }

    /** A query parameter with this value. */
    default Match query(String name, String value) {
        return query(name, TextRule.is(value));
    }

    /** A query parameter whose first value follows a rule. */
    default Match query(String name, TextRule rule) {
        return with(new Condition.Query(name, rule));
    }

    /** A cookie with this value. */
    default Match cookie(String name, String value) {
        return cookie(name, TextRule.is(value));
    }

    /** A cookie whose value follows a rule. */
    default Match cookie(String name, TextRule rule) {
        return with(new Condition.Cookie(name, rule));
    }

    /** Callers in one of these networks: {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or a single address. */
    default Match client(String... networks) {
        return with(new Condition.Client(texts(networks)));
    }

    /** From an instant, inclusive, until another, exclusive. */
    default Match between(Instant from, Instant until) {
        return with(new Condition.Between(from, until));
    }

    /** Every day from one time, inclusive, until another, exclusive; over midnight when {@code until} is the earlier one. */
    default Match daily(LocalTime from, LocalTime until, ZoneId zone) {
        return with(new Condition.Daily(from, until, zone));
    }

    /** Whatever else. Tried last, and opaque: conflicts behind a predicate cannot be found when the gateway is built. */
    default Match when(Predicate<Request> predicate) {
        return with(new Condition.When(Objects.requireNonNull(predicate, "predicate")));
    }

    /** The conditions as data. */
    Condition condition();

    // Not Set.of: a name written twice is no reason to fail.
    private static Set<String> texts(String... texts) {
        return new LinkedHashSet<>(Arrays.asList(texts));
    }

    private Match with(Condition more) {
        List<Condition> all = new ArrayList<>();
        for (Condition part : List.of(condition(), more)) {
            if (part instanceof Condition.All several) {
                all.addAll(several.conditions());
            } else {
                all.add(part);
            }
        }
        return new MatchValue(all.size() == 1 ? all.get(0) : new Condition.All(all));
    }
}
