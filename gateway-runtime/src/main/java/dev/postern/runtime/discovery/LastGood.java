package dev.postern.runtime.discovery;

import dev.postern.Endpoint;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Decides which lists of a source are believed. A source that lies does so by saying too little: an empty answer while the
 * service is restarted, half a page, a registry that has just lost its memory. So an empty list is never believed once there
 * was a good one, and one that loses more than half of the endpoints at once has to be seen twice.
 *
 * <p>Values in, verdict out; not safe for several threads.
 */
final class LastGood {
    enum Verdict {
        /** It is news: use it. */
        TELL,
        /** It says what is known already. */
        SAME,
        /** It loses too much to be believed at once: ask again soon, and believe the same answer then. */
        ASK_AGAIN,
        /** It is empty: what was told last stays. */
        EMPTY
    }

    private List<Endpoint> good = List.of();
    private List<Endpoint> doubtful = List.of();

    Verdict judge(List<Endpoint> next) {
        if (next.isEmpty()) {
            return Verdict.EMPTY;
        }
        if (next.equals(good)) {
            doubtful = List.of();
            return Verdict.SAME;
        }
        if (losesHalf(next) && !next.equals(doubtful)) {
            doubtful = next;
            return Verdict.ASK_AGAIN;
        }
        believe(next);
        return Verdict.TELL;
    }

    /** A list that nobody has contradicted for long enough. */
    void believe(List<Endpoint> list) {
        good = list;
        doubtful = List.of();
    }

    /** The list that waits for its second sight; empty when none does. */
    List<Endpoint> doubtful() {
        return doubtful;
    }

    private boolean losesHalf(List<Endpoint> next) {
        if (good.isEmpty()) {
            return false;
        }
        Set<String> uris = new HashSet<>();
        next.forEach(endpoint -> uris.add(endpoint.uri()));
        long lost = good.stream().filter(old -> !uris.contains(old.uri())).count();
        return lost * 2 > good.size();
    }
}
