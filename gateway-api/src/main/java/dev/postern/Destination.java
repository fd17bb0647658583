package dev.postern;

/** Where the exchanges of a route go. Made by the {@link Route.Builder}'s {@code to}, {@code handler}, {@code answer} and {@code redirect}. */
public sealed interface Destination {
    /** An upstream, by its name. */
    record ToUpstream(String name) implements Destination {
        @Override
        public String toString() {
            return "upstream " + name;
        }
    }

    /** Several upstreams, by weight. */
    record ToSplit(Split split) implements Destination {
        @Override
        public String toString() {
            return "split " + split;
        }
    }

    /** The host's own code, on the event loop. */
    record ToHandler(Handler handler) implements Destination {
        @Override
        public String toString() {
            return "handler";
        }
    }

    /** The host's own code, on the pool for blocking work. */
    record ToBlockingHandler(BlockingHandler handler) implements Destination {
        @Override
        public String toString() {
            return "blocking handler";
        }
    }

    /**
     * Always the same response; its body is in memory.
     *
     * @param status the status
     * @param headers the headers
     * @param body the content
     */
    record Answer(int status, Headers headers, BufferedBody body) implements Destination {
        @Override
        public String toString() {
            return "answer " + status;
        }
    }

    /** Elsewhere. */
    record ToRedirect(Redirect redirect) implements Destination {
        @Override
        public String toString() {
            return redirect.toString();
        }
    }
}
