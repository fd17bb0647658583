package dev.postern;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What a {@link Match} is made of, as data: the runtime indexes it, compares it, and finds routes that shadow each other.
 * Texts are kept as written; whether they can be understood is checked when a gateway is built.
 */
public sealed interface Condition {
    /** A path template: {@code /orders/{id}}, {@code /files/{rest...}}. */
    record Path(String template) implements Condition {}

    /** A path prefix on whole segments: {@code /orders} takes {@code /orders}, {@code /orders/} and {@code /orders/7}. */
    record Prefix(String prefix) implements Condition {}

    /** A regular expression that the whole canonical path matches. */
    record PathRegex(String regex) implements Condition {}

    /** One of these hosts; {@code *.example.com} takes one label or more in the place of the star. */
    record Hosts(Set<String> hosts) implements Condition {
        /** Copies. */
        public Hosts {
            hosts = Set.copyOf(hosts);
        }
    }

    /** One of these methods. */
    record Methods(Set<String> methods) implements Condition {
        /** Copies. */
        public Methods {
            methods = Set.copyOf(methods);
        }
    }

    /** A header; its first line counts. */
    record Header(String name, TextRule rule) implements Condition {}

    /** A query parameter; its first value counts. */
    record Query(String name, TextRule rule) implements Condition {}

    /** A cookie; the first of its name counts. */
    record Cookie(String name, TextRule rule) implements Condition {}

    /** The caller's address lies in one of these networks. */
    record Client(Set<String> networks) implements Condition {
        /** Copies. */
        public Client {
            networks = Set.copyOf(networks);
        }
    }

    /** From an instant (inclusive) until another (exclusive). */
    record Between(Instant from, Instant until) implements Condition {}

    /** Every day from one time (inclusive) until another (exclusive); over midnight when {@code until} is earlier. */
    record Daily(LocalTime from, LocalTime until, ZoneId zone) implements Condition {}

    /** Whatever else; evaluated last. Equal only to itself. */
    record When(Predicate<Request> predicate) implements Condition {}

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
    record Not(Condition condition) implements Condition {}
}
