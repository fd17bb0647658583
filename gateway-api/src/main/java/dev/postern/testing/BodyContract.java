package dev.postern.testing;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks that a body keeps the promises of {@link Body} and the rules of Reactive Streams, for those who implement one to
 * change a stream:
 *
 * <ul>
 *   <li>{@code onSubscribe} comes first and once, then buffers, never more than were asked for (1.1, 1.9), then one end
 *       (1.5, 1.7); nothing follows a cancellation (1.8); {@code request(0)} is answered by {@code
 *       onError(IllegalArgumentException)} (3.9);
 *   <li>the buffers are read-only heap buffers, and those handed out stay as they are;
 *   <li>{@code length()} is -1 or the number of bytes that come; {@code buffer} holds its limit; {@code trailers()}
 *       completes when the content has been read;
 *   <li>a body that is not replayable refuses a second reader, and a reader after {@code discard()}, with {@code
 *       IllegalStateException}; a replayable one gives the same bytes again; discarding twice or after the end is harmless.
 * </ul>
 *
 * <p>Bodies may deliver on other threads; each step is given five seconds of real time.
 */
public final class BodyContract {
    private static final long PATIENCE_MILLIS = 5_000;

    private final Supplier<? extends Body> fresh;
    private final Steps steps;
    private final List<String> violations = new ArrayList<>();

    private BodyContract(Supplier<? extends Body> fresh, Steps steps) {
        this.fresh = fresh;
        this.steps = steps;
    }

    /** How one step is carried out: on which thread, and watched by whom. */
    interface Steps {
        void run(String what, Runnable step);
    }

    /**
     * Checks a body.
     *
     * @param fresh gives a body that nobody has read yet, at each call, always with the same content
     * @throws AssertionError listing every violation
     */
    public static void check(Supplier<? extends Body> fresh) {
        List<String> violations = violations(fresh, (what, step) -> step.run());
        if (!violations.isEmpty()) {
            throw new AssertionError("the body breaks its contract:\n  " + String.join("\n  ", violations));
        }
    }

    static List<String> violations(Supplier<? extends Body> fresh, Steps steps) {
        BodyContract contract = new BodyContract(fresh, steps);
        contract.checkAll();
        return contract.violations;
    }

    private void checkAll() {
        byte[] content = readsToTheEnd();
        if (content == null) {
            return;
        }
        keepsToTheDemand(content);
        refusesADemandOfNothing();
        isSilentAfterCancel(content);
        admitsReadersAsItSays(content);
        canBeDiscarded();
        buffersWithinALimit(content);
    }

    private byte @Nullable [] readsToTheEnd() {
        Body body = fresh.get();
        long length = body.length();
        Probe probe = subscribed(body, new Probe(PATIENCE_MILLIS));
        probe.awaitEnd(steps, Long.MAX_VALUE);
        addAll(probe);
        if (!probe.ended()) {
            violations.add("reading does not come to an end, after " + probe.received() + " buffers");
            return null;
        }
        if (probe.failure() != null) {
            violations.add("reading fails: " + probe.failure());
            return null;
        }
        byte[] content = probe.bytes();
        if (length < -1 || (length >= 0 && length != content.length)) {
            violations.add("length() is " + length + ", but " + content.length + " bytes come (expected: that or -1)");
        }
        Settled<Headers> trailers = Settled.of(body.trailers(), PATIENCE_MILLIS);
        if (trailers.value() == null) {
            violations.add("trailers() after the end: " + trailers + " (expected: headers, if only empty ones)");
        }
        steps.run("discard()", body::discard);
        return content;
    }

    private void keepsToTheDemand(byte[] content) {
        Probe probe = subscribed(fresh.get(), new Probe(PATIENCE_MILLIS));
        // One step more than there can be buffers with something in them, and some for empty ones.
        for (int i = 0; i < content.length + 100 && !probe.ended(); i++) {
            probe.awaitOne(steps);
        }
        addAll(probe);
        if (!probe.ended()) {
            violations.add("reading buffer by buffer does not come to an end, after " + probe.received());
        } else if (probe.failure() != null || !Arrays.equals(probe.bytes(), content)) {
            violations.add("read buffer by buffer it gives " + probe + ", read at once " + content.length + " bytes");
        }
    }

    private void refusesADemandOfNothing() {
        Probe probe = subscribed(fresh.get(), new Probe(PATIENCE_MILLIS));
        probe.awaitEnd(steps, 0);
        addAll(probe);
        if (!(probe.failure() instanceof IllegalArgumentException)) {
            violations.add("request(0) is followed by " + probe
                    + " (expected: onError(IllegalArgumentException), Reactive Streams 3.9)");
        }
        probe.cancel(steps);
    }

    private void isSilentAfterCancel(byte[] content) {
        Probe early = subscribed(fresh.get(), new Probe(PATIENCE_MILLIS));
        early.cancel(steps);
        early.cancel(steps);
        early.request(steps, 1);
        if (early.received() > 0) {
            violations.add("buffers come after cancel() (Reactive Streams 3.6)");
        }
        if (content.length > 0) {
            Probe inside = subscribed(fresh.get(), new Probe(PATIENCE_MILLIS).cancellingAtFirst());
            inside.awaitFirst(steps);
            addAll(inside);
        }
    }

    private void admitsReadersAsItSays(byte[] content) {
        Body body = fresh.get();
        subscribed(body, new Probe(PATIENCE_MILLIS)).awaitEnd(steps, Long.MAX_VALUE);
        Probe second = subscribed(body, new Probe(PATIENCE_MILLIS));
        second.awaitEnd(steps, Long.MAX_VALUE);
        if (!body.replayable()) {
            refused("a second reader", second);
        } else if (second.failure() != null || !Arrays.equals(second.bytes(), content)) {
            violations.add("replayable() is true, but a second reader gets " + second + " instead of " + content.length
                    + " bytes");
        }
    }

    private void canBeDiscarded() {
        Body body = fresh.get();
        steps.run("discard()", body::discard);
        steps.run("discard()", body::discard);
        if (!body.replayable()) {
            Probe late = subscribed(body, new Probe(PATIENCE_MILLIS));
            late.awaitEnd(steps, Long.MAX_VALUE);
            refused("a reader after discard()", late);
        }
    }

    private void refused(String who, Probe probe) {
        addAll(probe);
        if (!(probe.failure() instanceof IllegalStateException) || probe.received() > 0) {
            violations.add(who + " of a body that is not replayable gets " + probe
                    + " (expected: onError(IllegalStateException))");
        }
    }

    private void buffersWithinALimit(byte[] content) {
        Settled<BufferedBody> all = settled("buffer(" + content.length + ")", fresh.get(), content.length);
        BufferedBody whole = all.value();
        if (whole == null || !Arrays.equals(whole.toByteArray(), content)) {
            violations.add(
                    "buffer(" + content.length + ") gives " + all + " (expected: the " + content.length + " bytes)");
        }
        if (content.length > 0) {
            int limit = content.length - 1;
            Settled<BufferedBody> less = settled("buffer(" + limit + ")", fresh.get(), limit);
            if (!tooLarge(less.failure())) {
                violations.add("buffer(" + limit + ") of " + content.length + " bytes gives " + less
                        + " (expected: REQUEST_BODY_TOO_LARGE or RESPONSE_BODY_TOO_LARGE)");
            }
        }
    }

    private static boolean tooLarge(@Nullable Throwable failure) {
        return failure instanceof GatewayException known
                && (known.failure() == Failure.REQUEST_BODY_TOO_LARGE
                        || known.failure() == Failure.RESPONSE_BODY_TOO_LARGE);
    }

    private Probe subscribed(Body body, Probe probe) {
        steps.run("chunks().subscribe", () -> body.chunks().subscribe(probe));
        return probe;
    }

    private void addAll(Probe probe) {
        for (String violation : probe.violations()) {
            if (!violations.contains(violation)) {
                violations.add(violation);
            }
        }
    }

    private Settled<BufferedBody> settled(String what, Body body, int limit) {
        List<CompletionStage<BufferedBody>> stage = new ArrayList<>();
        steps.run(what, () -> stage.add(body.buffer(limit)));
        return Settled.of(stage.isEmpty() ? null : stage.get(0), PATIENCE_MILLIS);
    }
}
