package dev.postern;

import java.util.Objects;

/** What the text of a header, query parameter or cookie must be like. */
public sealed interface TextRule {
    /** Exactly this text, upper- and lower-case being different. */
    static TextRule is(String text) {
        return new Is(text);
    }

    /** The whole text matches a regular expression of linear run time (RE2 syntax: no look-around, no back-references). */
    static TextRule matches(String regex) {
        return new Matches(regex);
    }

    /** There is one, whatever it says. */
    static TextRule present() {
        return Present.ANY;
    }

    /** There is none. */
    static TextRule absent() {
        return Absent.NONE;
    }

    /** Exactly {@code text}. */
    record Is(String text) implements TextRule {
        /** Refuses null. */
        public Is {
            Objects.requireNonNull(text, "text");
        }

        @Override
        public String toString() {
            return "= " + text;
        }
    }

    /** The whole text matches {@code regex}. */
    record Matches(String regex) implements TextRule {
        /** Refuses null. */
        public Matches {
            Objects.requireNonNull(regex, "regex");
        }

        @Override
        public String toString() {
            return "~ " + regex;
        }
    }

    /** Presence. */
    enum Present implements TextRule {
        /** The only one. */
        ANY;

        @Override
        public String toString() {
            return "present";
        }
    }

    /** Absence. */
    enum Absent implements TextRule {
        /** The only one. */
        NONE;

        @Override
        public String toString() {
            return "absent";
        }
    }
}
