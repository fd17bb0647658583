package dev.postern.runtime.corpus;

/** The one rule that is off in a {@linkplain MutatedRules mutated} copy of the edge. Not in the product: only copies call it. */
public final class Off {
    /** More calls than any request makes: the copy runs in circles without its rule. */
    private static final int TOO_MANY = 100_000;

    private static volatile int site = -1;
    private static volatile int calls;

    private Off() {}

    static void rule(int number) {
        site = number;
        calls = 0;
    }

    /** Whether this rule is off. */
    public static boolean at(int number) {
        if (number != site) {
            return false;
        }
        int count = calls + 1;
        calls = count;
        if (count > TOO_MANY) {
            throw new IllegalStateException("without the rule the copy runs in circles");
        }
        return true;
    }

    /** The text of a rule, or one that is nothing to anybody when it is off. */
    public static String text(int number, String text) {
        return at(number) ? "off" : text;
    }

    /** A condition, false when it is off. */
    public static boolean is(int number, boolean condition) {
        return condition && !at(number);
    }
}
