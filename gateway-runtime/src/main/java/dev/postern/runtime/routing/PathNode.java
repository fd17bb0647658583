package dev.postern.runtime.routing;

import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A place in the trie of path segments. Below it stand literals and at most one variable; at it end closed templates ({@code
 * here}) and open ones ({@code tail}).
 *
 * <p>Search is literal, variable, tail, with a step back wherever the conditions at an end do not hold. It visits each node
 * at most once, and none below which no template has as many segments as the path has left.
 */
final class PathNode {
    private @Nullable SegmentMap<PathNode> literals;
    private @Nullable PathNode variable;
    private @Nullable Bucket here;
    private @Nullable Bucket tail;

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
        (template.open() ? node.tailBucket() : node.hereBucket()).add(entry);
    }

    private PathNode variableChild() {
        if (variable == null) {
            variable = new PathNode();
        }
        return variable;
    }

    private PathNode literalChild(String text) {
        if (literals == null) {
            literals = new SegmentMap<>();
        }
        PathNode child = literals.get(text);
        if (child == null) {
            child = new PathNode();
            literals.put(text, child);
        }
        return child;
    }

    private Bucket hereBucket() {
        if (here == null) {
            here = new Bucket();
        }
        return here;
    }

    private Bucket tailBucket() {
        if (tail == null) {
            tail = new Bucket();
        }
        return tail;
    }

    /** Ends the filling of this node and of all below. */
    void seal() {
        if (literals != null) {
            literals.values().forEach(this::sealChild);
        }
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

    /** The most nodes that a search from here can visit: a path follows one literal and the variable, whichever are worst. */
    long mostVisits() {
        long literal = 0;
        if (literals != null) {
            for (PathNode child : literals.values()) {
                literal = Math.max(literal, child.mostVisits());
            }
        }
        return 1 + literal + (variable == null ? 0 : variable.mostVisits());
    }

    /** Shows every bucket at and below this node. */
    void forEach(Consumer<Bucket> visitor) {
        if (here != null) {
            visitor.accept(here);
        }
        if (tail != null) {
            visitor.accept(tail);
        }
        if (literals != null) {
            literals.values().forEach(child -> child.forEach(visitor));
        }
        if (variable != null) {
            variable.forEach(visitor);
        }
    }

    /** Shows the open ends that take every path which begins with {@code beginning} and on. */
    void forEachTailOn(String beginning, Consumer<Bucket> visitor) {
        tailsOn(beginning, 1, visitor);
    }

    private void tailsOn(String beginning, int at, Consumer<Bucket> visitor) {
        if (tail != null) {
            visitor.accept(tail);
        }
        // A segment is known to the end only when its slash is.
        int end = beginning.indexOf('/', at);
        if (end <= at) {
            return;
        }
        PathNode child = literals == null ? null : literals.get(beginning, at, end);
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
     * @param at where the next segment begins
     * @param left the number of segments from there
     */
    @Nullable
    Entry find(Search search, int at, int left) {
        search.countVisit();
        if (left == 0) {
            Entry exact = here == null ? null : here.find(search);
            return exact != null || tail == null ? exact : tail.find(search);
        }
        String path = search.path();
        int slash = left == 1 ? -1 : path.indexOf('/', at);
        int end = slash < 0 ? path.length() : slash;
        if (literals != null) {
            PathNode child = literals.get(path, at, end);
            Entry found = child != null && child.reaches(left - 1) ? child.find(search, end + 1, left - 1) : null;
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

    private boolean reaches(int left) {
        return left >= nearestTail || (ends & 1L << Math.min(left, Long.SIZE - 1)) != 0;
    }
}
