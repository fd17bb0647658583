package dev.postern.runtime.message;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopStage;
import io.netty.channel.Channel;
import io.vertx.core.net.NetSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * The body of a 101: the connection to the origin, paused, until the reply joins it with the client's. Filters can discard
 * it, and nothing else.
 */
public final class TunnelBody implements Body {
    private static final String OPAQUE = "the body of an upgrade cannot be read";

    private final Loop loop;
    private final Handshake.Agreed agreed;
    private final Runnable release;
    private final @Nullable Channel socket;
    private @Nullable NetSocket upstream;
    private boolean broken;

    /**
     * A tunnel whose other end is not there yet. Called on the loop.
     *
     * @param upstream paused
     * @param socket the socket beneath it, or null where that cannot be had
     * @param release lets go of the connection; called at most once, when the tunnel is discarded
     */
    public TunnelBody(
            Loop loop, NetSocket upstream, @Nullable Channel socket, Handshake.Agreed agreed, Runnable release) {
        this.loop = loop;
        this.upstream = upstream;
        this.socket = socket;
        this.agreed = agreed;
        this.release = release;
        upstream.exceptionHandler(why -> broken = true);
        upstream.closeHandler(v -> broken = true);
    }

    /** Whether the origin has left before anybody joined; what it has sent is still there. */
    boolean isBroken() {
        return broken;
    }

    /** The socket of the connection to the origin, or null. */
    @Nullable
    Channel socket() {
        return socket;
    }

    /** What both sides have agreed on. */
    public Handshake.Agreed agreed() {
        return agreed;
    }

    /** The connection to the origin, for the one who joins; null when it was taken or discarded. */
    public @Nullable NetSocket take() {
        NetSocket taken = upstream;
        upstream = null;
        return taken;
    }

    @Override
    public long length() {
        return -1;
    }

    @Override
    public boolean replayable() {
        return false;
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return subscriber -> {
            subscriber.onSubscribe(new Flow.Subscription() {
                @Override
                public void request(long n) {
                    // There is nothing to give.
                }

                @Override
                public void cancel() {
                    // There is nothing to stop: the tunnel stays where it is.
                }
            });
            subscriber.onError(new IllegalStateException(OPAQUE));
        };
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        return LoopStage.failed(loop, new IllegalStateException(OPAQUE));
    }

    @Override
    public void discard() {
        loop.enter(() -> {
            if (take() != null) {
                release.run();
            }
        });
    }

    @Override
    public String toString() {
        return "TunnelBody";
    }
}
