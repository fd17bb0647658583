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

    /**
     * The names of upstreams that this part calls by itself, such as by {@link Exchange#call}; a configuration that does not
     * define each of them is refused. The default is none.
     */
    default List<String> upstreams() {
        return List.of();
    }
}
