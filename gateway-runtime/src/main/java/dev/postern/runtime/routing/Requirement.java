package dev.postern.runtime.routing;

import com.google.re2j.Pattern;
import dev.postern.Request;
import dev.postern.TextRule;
import dev.postern.runtime.edge.Authority;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One condition of a route besides its host, its path in the trie and its method: compiled, comparable, and able to say
 * whether another one makes it superfluous. Equal requirements hold for the same requests.
 */
sealed interface Requirement {
    /** What a requirement looks at, in the order in which their numbers decide between routes. */
    enum Kind {
        HEADER,
        QUERY,
        COOKIE,
        CLIENT,
        TIME,
        /** Negations of several kinds, and a second path. */
        OTHER,
        /** Opaque. */
        WHEN
    }

    /** What is known about one requirement when another holds. */
    enum Proof {
        /** It holds too. */
        YES,
        /** It need not hold. */
        NO,
        /** Nobody can say: expressions and predicates are not compared. */
        UNKNOWN
    }

    Kind kind();

    boolean holds(Facts facts);

    /** Whether this holds whenever {@code other} does. */
    default Proof impliedBy(Requirement other) {
        return equals(other) ? Proof.YES : Proof.NO;
    }

    /** Whether this and {@code other} can never hold together; false when not proven. */
    default boolean contradicts(Requirement other) {
        return other instanceof Not not && not.inner().equals(this);
    }

    /** The keys by which the analysis finds this among requirements that others may imply. */
    default List<Object> keys() {
        return List.of(this);
    }

    /** The keys of all requirements that this one may imply, exact ones first. */
    default List<Object> impliedKeys() {
        return List.of(this);
    }

    /** A header, query parameter or cookie follows a rule. {@code pattern} is there when the rule is an expression. */
    record Text(
            TextSource source,
            String name,
            int slot,
            TextRule rule,
            @Nullable Pattern pattern) implements Requirement {
        private record Expressions(TextSource source, String name) {}

        @Override
        public Kind kind() {
            return switch (source) {
                case HEADER -> Kind.HEADER;
                case QUERY -> Kind.QUERY;
                case COOKIE -> Kind.COOKIE;
            };
        }

        @Override
        public boolean holds(Facts facts) {
            String value = facts.text(source, name, slot);
            if (value == null) {
                return rule == TextRule.Absent.NONE;
            }
            return allows(value);
        }

        boolean isEquality() {
            return rule instanceof TextRule.Is;
        }

        /** The text of an equality, otherwise null. */
        @Nullable
        String expected() {
            return rule instanceof TextRule.Is is ? is.text() : null;
        }

        /** That there is one of this name. */
        Text presence() {
            return new Text(source, name, slot, TextRule.present(), null);
        }

        private boolean allows(String value) {
            if (rule instanceof TextRule.Is is) {
                return is.text().equals(value);
            }
            return pattern == null ? rule == TextRule.Present.ANY : pattern.matches(value);
        }

        @Override
        public Proof impliedBy(Requirement other) {
            if (equals(other)) {
                return Proof.YES;
            }
            if (!(other instanceof Text that) || !sameName(that) || that.rule == TextRule.Absent.NONE) {
                return Proof.NO;
            }
            if (that.rule instanceof TextRule.Is is) {
                return allows(is.text()) ? Proof.YES : Proof.NO;
            }
            if (rule == TextRule.Present.ANY) {
                return Proof.YES;
            }
            return pattern != null && that.pattern != null ? Proof.UNKNOWN : Proof.NO;
        }

        @Override
        public boolean contradicts(Requirement other) {
            if (Requirement.super.contradicts(other)) {
                return true;
            }
            if (!(other instanceof Text that) || !sameName(that)) {
                return false;
            }
            boolean absent = rule == TextRule.Absent.NONE;
            boolean otherAbsent = that.rule == TextRule.Absent.NONE;
            if (absent || otherAbsent) {
                return absent != otherAbsent;
            }
            return (that.rule instanceof TextRule.Is theirs && !allows(theirs.text()))
                    || (rule instanceof TextRule.Is mine && !that.allows(mine.text()));
        }

        @Override
        public List<Object> keys() {
            return pattern == null ? List.of(this) : List.of(this, new Expressions(source, name));
        }

        @Override
        public List<Object> impliedKeys() {
            return rule == TextRule.Absent.NONE
                    ? List.of(this)
                    : List.of(this, presence(), new Expressions(source, name));
        }

        private boolean sameName(Text other) {
            return source == other.source && name.equals(other.name);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Text that && sameName(that) && rule.equals(that.rule);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * name.hashCode() + source.hashCode()) + rule.hashCode();
        }

        @Override
        public String toString() {
            return source + " " + name + " " + rule;
        }
    }

    /** The caller's address lies in one of these networks. */
    record Client(CidrSet networks) implements Requirement {
        @Override
        public Kind kind() {
            return Kind.CLIENT;
        }

        @Override
        public boolean holds(Facts facts) {
            return networks.contains(facts.address());
        }

        @Override
        public Proof impliedBy(Requirement other) {
            return other instanceof Client that && networks.containsAll(that.networks) ? Proof.YES : Proof.NO;
        }

        @Override
        public boolean contradicts(Requirement other) {
            return Requirement.super.contradicts(other)
                    || (other instanceof Client that && networks.isDisjoint(that.networks));
        }

        @Override
        public List<Object> keys() {
            return List.copyOf(networks.networks());
        }

        // Whatever contains all networks of this contains the first, and so is found under one of its prefixes.
        @Override
        public List<Object> impliedKeys() {
            Cidr first = networks.networks().get(0);
            List<Object> keys = new ArrayList<>();
            for (int length = first.length(); length >= 0; length--) {
                keys.add(first.cutTo(length));
            }
            return keys;
        }

        @Override
        public String toString() {
            return "client " + networks;
        }
    }

    /** From an instant until another. */
    record Between(Instant from, Instant until) implements Requirement {
        private static final List<Object> KEYS = List.of("between");

        @Override
        public Kind kind() {
            return Kind.TIME;
        }

        @Override
        public boolean holds(Facts facts) {
            Instant now = facts.now();
            return !now.isBefore(from) && now.isBefore(until);
        }

        @Override
        public Proof impliedBy(Requirement other) {
            boolean wider = other instanceof Between that && !that.from.isBefore(from) && !that.until.isAfter(until);
            return wider ? Proof.YES : Proof.NO;
        }

        @Override
        public boolean contradicts(Requirement other) {
            return Requirement.super.contradicts(other)
                    || (other instanceof Between that && !(from.isBefore(that.until) && that.from.isBefore(until)));
        }

        @Override
        public List<Object> keys() {
            return KEYS;
        }

        @Override
        public List<Object> impliedKeys() {
            return KEYS;
        }

        @Override
        public String toString() {
            return "between " + from + " and " + until;
        }
    }

    /** Every day from one time until another, over midnight when {@code until} is the earlier. */
    record Daily(LocalTime from, LocalTime until, ZoneId zone) implements Requirement {
        @Override
        public Kind kind() {
            return Kind.TIME;
        }

        @Override
        public boolean holds(Facts facts) {
            return covers(facts.nanoOfDay(zone));
        }

        private boolean covers(long nanoOfDay) {
            boolean begun = nanoOfDay >= from.toNanoOfDay();
            boolean over = nanoOfDay >= until.toNanoOfDay();
            return from.isBefore(until) ? begun && !over : begun || !over;
        }

        @Override
        public Proof impliedBy(Requirement other) {
            if (equals(other)) {
                return Proof.YES;
            }
            boolean wider = other instanceof Daily that
                    && that.zone.equals(zone)
                    && that.from.isBefore(that.until)
                    && from.isBefore(until)
                    && !that.from.isBefore(from)
                    && !that.until.isAfter(until);
            return wider ? Proof.YES : Proof.NO;
        }

        @Override
        public List<Object> keys() {
            return List.of(zone);
        }

        @Override
        public List<Object> impliedKeys() {
            return List.of(zone);
        }

        @Override
        public String toString() {
            return "daily from " + from + " until " + until + " (" + zone + ")";
        }
    }

    /** The path is taken by a template, besides the one in the trie. */
    record Path(PathTemplate template) implements Requirement {
        @Override
        public Kind kind() {
            return Kind.OTHER;
        }

        @Override
        public boolean holds(Facts facts) {
            return template.matches(facts.request().path());
        }

        @Override
        public boolean contradicts(Requirement other) {
            return Requirement.super.contradicts(other)
                    || (other instanceof Path that && !template.overlaps(that.template));
        }

        @Override
        public String toString() {
            return "path " + template;
        }
    }

    /** The path is matched by an expression. */
    record Regex(PathRegex regex) implements Requirement {
        private static final String ALL = "path regex";
        private static final String WITHOUT_SEGMENT = "path regex without a first segment";

        private record FirstSegment(String text) {}

        @Override
        public Kind kind() {
            return Kind.OTHER;
        }

        @Override
        public boolean holds(Facts facts) {
            return regex.matches(facts.request().path());
        }

        @Override
        public Proof impliedBy(Requirement other) {
            if (equals(other)) {
                return Proof.YES;
            }
            return other instanceof Regex that && !regex.isApartFrom(that.regex) ? Proof.UNKNOWN : Proof.NO;
        }

        @Override
        public boolean contradicts(Requirement other) {
            return Requirement.super.contradicts(other)
                    || (other instanceof Regex that && regex.isApartFrom(that.regex));
        }

        // Two expressions that begin with different segments have no path in common.
        private Object firstSegment() {
            String literal = regex.literal();
            int slash = literal.indexOf('/', 1);
            return slash < 0 ? WITHOUT_SEGMENT : new FirstSegment(literal.substring(0, slash));
        }

        @Override
        public List<Object> keys() {
            return List.of(this, firstSegment(), ALL);
        }

        @Override
        public List<Object> impliedKeys() {
            Object first = firstSegment();
            return first.equals(WITHOUT_SEGMENT) ? List.of(this, ALL) : List.of(this, first, WITHOUT_SEGMENT);
        }

        @Override
        public String toString() {
            return "path " + regex;
        }
    }

    /** One of these hosts; only inside a negation, for others stand in the table of hosts. */
    record Hosts(Set<HostPattern> hosts) implements Requirement {
        @Override
        public Kind kind() {
            return Kind.OTHER;
        }

        @Override
        public boolean holds(Facts facts) {
            String authority = facts.request().authority();
            int end = Authority.hostEnd(authority);
            return hosts.stream().anyMatch(host -> host.matches(authority, end));
        }

        @Override
        public String toString() {
            return "host " + hosts;
        }
    }

    /** One of these methods; only inside a negation. {@code GET} includes {@code HEAD}, as it does for routes. */
    record Methods(Set<String> methods) implements Requirement {
        @Override
        public Kind kind() {
            return Kind.OTHER;
        }

        @Override
        public boolean holds(Facts facts) {
            String method = facts.request().method();
            return methods.contains(method) || (method.equals("HEAD") && methods.contains("GET"));
        }

        @Override
        public String toString() {
            return "method " + methods;
        }
    }

    /** All of these; only inside a negation. */
    record All(List<Requirement> inner) implements Requirement {
        @Override
        public Kind kind() {
            return common(inner);
        }

        @Override
        public boolean holds(Facts facts) {
            return inner.stream().allMatch(each -> each.holds(facts));
        }

        @Override
        public String toString() {
            return "all of " + inner;
        }
    }

    /** At least one of these; only inside a negation. */
    record AnyOf(List<Requirement> inner) implements Requirement {
        @Override
        public Kind kind() {
            return common(inner);
        }

        @Override
        public boolean holds(Facts facts) {
            return inner.stream().anyMatch(each -> each.holds(facts));
        }

        @Override
        public String toString() {
            return "any of " + inner;
        }
    }

    /** The other does not hold. Counts as one condition, of the kind that is negated. */
    record Not(Requirement inner) implements Requirement {
        @Override
        public Kind kind() {
            return inner.kind();
        }

        @Override
        public boolean holds(Facts facts) {
            return !inner.holds(facts);
        }

        @Override
        public boolean contradicts(Requirement other) {
            return inner.equals(other);
        }

        @Override
        public String toString() {
            return "not " + inner;
        }
    }

    /** A predicate of the host application. */
    record When(Predicate<Request> predicate) implements Requirement {
        private static final String ALL = "when";

        @Override
        public Kind kind() {
            return Kind.WHEN;
        }

        @Override
        public boolean holds(Facts facts) {
            return predicate.test(facts.request());
        }

        @Override
        public Proof impliedBy(Requirement other) {
            return equals(other) ? Proof.YES : other.kind() == Kind.WHEN ? Proof.UNKNOWN : Proof.NO;
        }

        @Override
        public List<Object> keys() {
            return List.of(this, ALL);
        }

        @Override
        public List<Object> impliedKeys() {
            return List.of(this, ALL);
        }

        @Override
        public String toString() {
            return "when";
        }
    }

    private static Kind common(List<Requirement> inner) {
        Kind kind = inner.get(0).kind();
        for (Requirement each : inner) {
            if (each.kind() == Kind.WHEN) {
                return Kind.WHEN;
            }
            kind = each.kind() == kind ? kind : Kind.OTHER;
        }
        return kind;
    }
}
