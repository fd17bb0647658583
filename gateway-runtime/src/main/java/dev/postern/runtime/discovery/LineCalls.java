package dev.postern.runtime.discovery;

import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.UpstreamTls;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Calls of the gateway's own whose answer is read line by line while it comes. */
public interface LineCalls {
    /** A line that is longer ends the call. */
    int MAX_LINE_BYTES = 4 * 1024 * 1024;

    /**
     * Sends a request without a body.
     *
     * @param silence how long the other side may send nothing before the call fails, more than zero
     * @param reader told in order, on one thread at a time
     * @return ends the call early; nothing is told after that
     */
    Call open(Endpoint endpoint, Request request, UpstreamTls tls, Duration silence, Reader reader);

    /** A call under way. */
    @FunctionalInterface
    interface Call {
        /** Gives it up; harmless when it is over. */
        void stop();
    }

    /** Takes the answer. */
    interface Reader {
        /** The status, once. */
        void head(int status);

        /** A line of the body without its end; also the last one when nothing ends it. */
        void line(String text);

        /** The end, once: with null when the answer came whole. */
        void end(@Nullable Throwable failure);
    }
}
