package dev.postern;

import java.util.List;

/**
 * A part of a configuration that can tell what is wrong with it. Asked once when a gateway is built or a config is
 * planned, before anything starts; all problems of all parts are reported together.
 */
public interface Checked {
    /**
     * What is wrong, one sentence each with the cure in parentheses, without naming the part itself: {@code name is
     * missing (expected: builder.name("…"))}. Empty when nothing is.
     */
    List<String> problems();
}
