package dev.postern.runtime.forward;

import dev.postern.runtime.message.PlainHead;
import io.vertx.core.buffer.Buffer;

/**
 * A short request that went out past Vert.x's client, in one write, because its answer is likely to be plain: a head that is
 * read at once, and a length. Then Vert.x never hears of it. Any other answer is Vert.x's, which has to be told of the request
 * first. On the connection's loop only.
 */
interface ShortCall {
    /** All of a short answer. The head is good until this returns. */
    void answered(PlainHead head, Buffer content);

    /** The head of a longer one, and what its content will come as. The head is good until this returns. */
    void answers(PlainHead head, LongBody content);

    /** The answer is of another kind: Vert.x's client is to send the request, which goes nowhere, and to expect the answer. */
    void handOver();

    /** The connection broke before the head of the answer; the last that is said. */
    void broke(Throwable cause);
}
