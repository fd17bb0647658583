package dev.postern.runtime.routing;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A place in the trie of path segments. Below it stand literals and at most one variable; at it end closed templates ({@code
 * here}) and open ones ({@code tail}).
 *
 * <p>Search is literal, variable, tail, with a step back wherever the conditions at an end do not hold. It visits each node
 * at most once, and none below which no template has as many segments as the path has left.
 *
 * <p>Among very many routes each node more is another wait for memory. So a packed trie has no nodes that only lead to one
 * literal: their parent names the way (path compression: Morrison, PATRICIA, 1968).
 */
final class PathNode {
    // What the path must have here before anything else, when packed: "v1/orders" and 2.
    private @Nullable String way;
    private int waySegments;
    // One literal below, which is what most nodes have, stands here; more have a table.
    private @Nullable String text;
    private @Nullable PathNode only;
    private @Nullable SegmentMap<PathNode> literals;
    private @Nullable PathNode variable;
    private @Nullable Place here;
    private @Nullable Place tail;

    // Bit n: a closed template ends n segments below. Templates have at most 64 segments, so bit 64 means the root
    // only.
    private long ends;
    private int nearestTail = Integer.MAX_VALUE;

    /**
     * Adds an alternative.
     *
     * @param texts makes one string of all that are equal: what many routes have in common is in the processor's cache then
     */
    void insert(Entry entry, PathTemplate template, Map<String, String> texts) {
        PathNode node = this;
        for (PathTemplate.Segment segment : template.segments()) {
            node = segment.variable()
                    ? node.variableChild()
                    : node.literalChild(texts.computeIfAbsent(segment.text(), text -> text));
        }
        if (template.open()) {
            node.tail = Place.with(node.tail, entry);
        } else {
            node.here = Place.with(node.here, entry);
        }
    }

    private PathNode variableChild() {
        if (variable == null) {
            variable = new PathNode();
        }
        return variable;
    }

    private PathNode literalChild(String segment) {
        PathNode known = literal(segment, 0, segment.length());
        if (known != null) {
            return known;
        }
        PathNode child = new PathNode();
        if (literals != null) {
            literals.put(segment, child);
        } else if (text == null || only == null) {
            text = segment;
            only = child;
        } else {
            literals = new SegmentMap<>();
            literals.put(text, only);
            literals.put(segment, child);
            text = null;
            only = null;
        }
        return child;
    }

    private @Nullable PathNode literal(String path, int from, int to) {
        if (literals != null) {
            return literals.get(path, from, to);
        }
        return text != null && text.length() == to - from && path.startsWith(text, from) ? only : null;
    }

    private List<PathNode> literals() {
        if (literals != null) {
            return literals.values();
        }
        return only == null ? List.of() : List.of(only);
    }

    /** Ends the filling of this node and of all below. */
    void seal() {
        literals().forEach(this::sealChild);
        if (variable != null) {
            sealChild(variable);
        }
        if (here != null) {
            here.seal();
            ends |= 1;
        }
        if (tail != null) {
            tail.seal();
            nearestTail = 0;
        }
    }

    private void sealChild(PathNode child) {
        child.seal();
        ends |= child.ends << 1;
        // The 64th segment shifts out: keep it as "far below".
        if ((child.ends & Long.MIN_VALUE) != 0) {
            ends |= Long.MIN_VALUE;
        }
        if (child.nearestTail != Integer.MAX_VALUE) {
            nearestTail = Math.min(nearestTail, child.nearestTail + 1);
        }
    }

    /**
     * Takes out the nodes that only lead to one literal; after this the trie can only be searched.
     *
     * @param texts as for {@link #insert}
     */
    void pack(Map<String, String> texts) {
        literals().forEach(child -> child.pack(texts));
        if (variable != null) {
            variable.pack(texts);
        }
        PathNode child = only;
        if (child == null || text == null || variable != null || here != null || tail != null) {
            return;
        }
        String whole = child.way == null ? text : text + '/' + child.way;
        way = texts.computeIfAbsent(whole, same -> same);
        waySegments = 1 + child.waySegments;
        text = child.text;
        only = child.only;
        literals = child.literals;
        variable = child.variable;
        here = child.here;
        tail = child.tail;
    }

    /** The most nodes that a search from here can visit: a path follows one literal and the variable, whichever are worst. */
    long mostVisits() {
        long literal = 0;
        for (PathNode child : literals()) {
            literal = Math.max(literal, child.mostVisits());
        }
        return 1 + literal + (variable == null ? 0 : variable.mostVisits());
    }

    /** Shows every place at and below this node. */
    void forEach(Consumer<Place> visitor) {
        if (here != null) {
            visitor.accept(here);
        }
        if (tail != null) {
            visitor.accept(tail);
        }
        literals().forEach(child -> child.forEach(visitor));
        if (variable != null) {
            variable.forEach(visitor);
        }
    }

    /** Shows the open ends that take every path which begins with {@code beginning} and on. */
    void forEachTailOn(String beginning, Consumer<Place> visitor) {
        tailsOn(beginning, 1, visitor);
    }

    private void tailsOn(String beginning, int at, Consumer<Place> visitor) {
        if (tail != null) {
            visitor.accept(tail);
        }
        // A segment is known to the end only when its slash is.
        int end = beginning.indexOf('/', at);
        if (end <= at) {
            return;
        }
        PathNode child = literal(beginning, at, end);
        if (child != null) {
            child.tailsOn(beginning, end + 1, visitor);
        }
        if (variable != null) {
            variable.tailsOn(beginning, end + 1, visitor);
        }
    }

    /**
     * The most specific alternative that takes the request, or null.
     *
     * @param begin where the next segment begins
     * @param segments the number of segments from there
     */
    @Nullable
    Entry find(Search search, int begin, int segments) {
        search.countVisit();
        int at = begin;
        int left = segments;
        if (way != null) {
            if (!isOnWay(way, search.path(), at, left)) {
                return null;
            }
            at += way.length() + 1;
            left -= waySegments;
        }
        if (left == 0) {
            Entry exact = here == null ? null : here.find(search);
            return exact != null || tail == null ? exact : tail.find(search);
        }
        String path = search.path();
        int slash = left == 1 ? -1 : path.indexOf('/', at);
        int end = slash < 0 ? path.length() : slash;
        PathNode child = literal(path, at, end);
        if (child != null && child.reaches(left - 1)) {
            Entry found = child.find(search, end + 1, left - 1);
            if (found != null) {
                return found;
            }
        }
        if (variable != null && end > at && variable.reaches(left - 1)) {
            Entry found = variable.find(search, end + 1, left - 1);
            if (found != null) {
                return found;
            }
        }
        return tail == null ? null : tail.find(search);
    }

    private boolean isOnWay(String expected, String path, int at, int left) {
        int end = at + expected.length();
        return left >= waySegments
                && path.startsWith(expected, at)
                && (end == path.length() || path.charAt(end) == '/');
    }

    private boolean reaches(int left) {
        return left >= nearestTail || (ends & 1L << Math.min(left, Long.SIZE - 1)) != 0;
    }
}
