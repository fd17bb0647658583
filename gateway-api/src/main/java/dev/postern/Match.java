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
import org.jspecify.annotations.Nullable;

/**
 * What a route accepts. Conditions added to a match must all hold.
 *
 * <p>Among routes that accept a request the most specific wins: host (exact before longest suffix before none), path
 * segment by segment (literal before {@code {var}} before {@code {rest...}} and prefix before regex), method, then the
 * number of header, query, cookie, client and time conditions, then {@link #when}, then the order of declaration. Routes
 * that can never win are problems when the gateway is built.
 *
 * <p>Paths are compared in canonical form, percent-encoded, upper- and lower-case being different.
 */
public final class Match {
    private static final Match ANY = new Match(new Condition.All(List.of()));

    private final Condition condition;

    private Match(Condition condition) {
        this.condition = condition;
    }

    /** Every request. */
    public static Match any() {
        return ANY;
    }

    /**
     * A path template. {@code /a/b} is that path and no other, also not {@code /a/b/}; {@code {id}} takes one segment that
     * is not empty; {@code {rest...}} at the end takes everything below, nothing included.
     */
    public static Match path(String template) {
        return new Match(new Condition.Path(Objects.requireNonNull(template, "template")));
    }

    /** A path and everything below it, on whole segments: {@code /a} takes {@code /a}, {@code /a/}, {@code /a/b}, not {@code /ab}. */
    public static Match prefix(String prefix) {
        return new Match(new Condition.Prefix(Objects.requireNonNull(prefix, "prefix")));
    }

    /** A regular expression of linear run time (RE2 syntax) that the whole path matches; named groups become path variables. */
    public static Match pathRegex(String regex) {
        return new Match(new Condition.PathRegex(Objects.requireNonNull(regex, "regex")));
    }

    /** Hosts: {@code api.example.com}, or {@code *.example.com} for every name below, not the name itself. Ports do not count. */
    public static Match host(String... hosts) {
        return new Match(new Condition.Hosts(texts(hosts)));
    }

    /** At least one of these. Counts as several routes in a row. */
    public static Match anyOf(Match... alternatives) {
        List<Condition> all = new ArrayList<>();
        for (Match alternative : alternatives) {
            all.add(alternative.condition);
        }
        return new Match(new Condition.AnyOf(all));
    }

    /** Not this. */
    public static Match not(Match match) {
        return new Match(new Condition.Not(match.condition));
    }

    /** Both this and that. */
    public Match and(Match other) {
        return with(other.condition);
    }

    /** Either this or that. */
    public Match or(Match other) {
        return anyOf(this, other);
    }

    /** One of these methods. A route for {@code GET} also serves {@code HEAD}. */
    public Match method(String... methods) {
        return with(new Condition.Methods(texts(methods)));
    }

    /** A header with this value. */
    public Match header(String name, String value) {
        return header(name, TextRule.is(value));
    }

    /** A header whose first line follows a rule. */
    public Match header(String name, TextRule rule) {
        return with(new Condition.Header(name, rule));
    }

    /** A query parameter with this value. */
    public Match query(String name, String value) {
        return query(name, TextRule.is(value));
    }

    /** A query parameter whose first value follows a rule. */
    public Match query(String name, TextRule rule) {
        return with(new Condition.Query(name, rule));
    }

    /** A cookie with this value. */
    public Match cookie(String name, String value) {
        return cookie(name, TextRule.is(value));
    }

    /** A cookie whose value follows a rule. */
    public Match cookie(String name, TextRule rule) {
        return with(new Condition.Cookie(name, rule));
    }

    /** Callers in one of these networks: {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or a single address. */
    public Match client(String... networks) {
        return with(new Condition.Client(texts(networks)));
    }

    /** From an instant, inclusive, until another, exclusive. */
    public Match between(Instant from, Instant until) {
        return with(new Condition.Between(from, until));
    }

    /** Every day from one time, inclusive, until another, exclusive; over midnight when {@code until} is the earlier one. */
    public Match daily(LocalTime from, LocalTime until, ZoneId zone) {
        return with(new Condition.Daily(from, until, zone));
    }

    /** Whatever else. Tried last, and opaque: conflicts behind a predicate cannot be found when the gateway is built. */
    public Match when(Predicate<Request> predicate) {
        return with(new Condition.When(Objects.requireNonNull(predicate, "predicate")));
    }

    /** The conditions as data. */
    public Condition condition() {
        return condition;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Match that && that.condition.equals(condition);
    }

    @Override
    public int hashCode() {
        return condition.hashCode();
    }

    @Override
    public String toString() {
        return condition.toString();
    }

    // Not Set.of: a name written twice is no reason to fail.
    private static Set<String> texts(String... texts) {
        return new LinkedHashSet<>(Arrays.asList(texts));
    }

    private Match with(Condition more) {
        List<Condition> all = new ArrayList<>();
        if (condition instanceof Condition.All both) {
            all.addAll(both.conditions());
        } else {
            all.add(condition);
        }
        if (more instanceof Condition.All both) {
            all.addAll(both.conditions());
        } else {
            all.add(more);
        }
        return new Match(all.size() == 1 ? all.get(0) : new Condition.All(all));
    }
}
