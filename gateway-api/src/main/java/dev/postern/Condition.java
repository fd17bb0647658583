package dev.postern;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What a {@link Match} is made of, as data: the runtime indexes it, compares it, and finds routes that shadow each other.
 * Texts are kept as written; whether they can be understood is checked when a gateway is built.
 */
public sealed interface Condition {
    /** A path template: {@code /orders/{id}}, {@code /files/{rest...}}. */
    record Path(String template) implements Condition {
        /** Refuses null. */
        public Path {
            Objects.requireNonNull(template, "template");
        }
    }

    /** A path prefix on whole segments: {@code /orders} takes {@code /orders}, {@code /orders/} and {@code /orders/7}. */
    record Prefix(String prefix) implements Condition {
        /** Refuses null. */
        public Prefix {
            Objects.requireNonNull(prefix, "prefix");
        }
    }

    /** A regular expression that the whole canonical path matches. */
    record PathRegex(String regex) implements Condition {
        /** Refuses null. */
        public PathRegex {
            Objects.requireNonNull(regex, "regex");
        }
    }

    /** One of these hosts; {@code *.example.com} takes one label or more in the place of the star. */
    record Hosts(Set<String> hosts) implements Condition {
        /** Copies, in the order written. */
        public Hosts {
            hosts = ordered(hosts);
        }
    }

    /** One of these methods. */
    record Methods(Set<String> methods) implements Condition {
        /** Copies, in the order written. */
        public Methods {
            methods = ordered(methods);
        }
    }

    /** A header; its first line counts. */
    record Header(String name, TextRule rule) implements Condition {
        /** Refuses null. */
        public Header {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(rule, "rule");
        }
    }

    /** A query parameter; its first value counts. */
    record Query(String name, TextRule rule) implements Condition {
        /** Refuses null. */
        public Query {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(rule, "rule");
        }
    }

    /** A cookie; the first of its name counts. */
    record Cookie(String name, TextRule rule) implements Condition {
        /** Refuses null. */
        public Cookie {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(rule, "rule");
        }
    }

    /** The caller's address lies in one of these networks. */
    record Client(Set<String> networks) implements Condition {
        /** Copies, in the order written. */
        public Client {
            networks = ordered(networks);
        }
    }

    /** From an instant (inclusive) until another (exclusive). */
    record Between(Instant from, Instant until) implements Condition {
        /** Refuses null. */
        public Between {
            Objects.requireNonNull(from, "from");
            Objects.requireNonNull(until, "until");
        }
    }

    /** Every day from one time (inclusive) until another (exclusive); over midnight when {@code until} is earlier. */
    record Daily(LocalTime from, LocalTime until, ZoneId zone) implements Condition {
        /** Refuses null. */
        public Daily {
            Objects.requireNonNull(from, "from");
            Objects.requireNonNull(until, "until");
            Objects.requireNonNull(zone, "zone");
        }
    }

    /** Whatever else; evaluated last. Equal only to itself. */
    record When(Predicate<Request> predicate) implements Condition {
        /** Refuses null. */
        public When {
            Objects.requireNonNull(predicate, "predicate");
        }
    }

    /** All of them. */
    record All(List<Condition> conditions) implements Condition {
        /** Copies. */
        public All {
            conditions = List.copyOf(conditions);
        }
    }

    /** At least one of them. */
    record AnyOf(List<Condition> conditions) implements Condition {
        /** Copies. */
        public AnyOf {
            conditions = List.copyOf(conditions);
        }
    }

    /** Not that one. */
    record Not(Condition condition) implements Condition {
        /** Refuses null. */
        public Not {
            Objects.requireNonNull(condition, "condition");
        }
    }

    // Not Set.copyOf: it shuffles anew in every JVM, and these texts stand in plans and explanations.
    private static Set<String> ordered(Set<String> texts) {
        Set<String> copy = new LinkedHashSet<>();
        for (String text : texts) {
            copy.add(Objects.requireNonNull(text));
        }
        return Collections.unmodifiableSet(copy);
    }
}
