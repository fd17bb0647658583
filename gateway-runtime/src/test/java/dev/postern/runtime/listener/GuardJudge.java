package dev.postern.runtime.listener;

import dev.postern.runtime.listener.FramingGuard.Step;
import java.util.function.Function;

/** The verdict of the byte guard on a stream: the code of the reason for which it refuses, or {@code passes}. */
public final class GuardJudge implements Function<byte[], String> {
    @Override
    public String apply(byte[] bytes) {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
        int at = 0;
        while (at < bytes.length && !guard.discarding()) {
            long opaque = guard.opaque();
            Step step;
            if (opaque > 0) {
                int count = (int) Math.min(opaque, bytes.length - at);
                step = guard.skip(count);
                at += count;
            } else {
                step = guard.next(bytes[at++]);
            }
            if (step == Step.REFUSED) {
                return guard.reason().code();
            }
        }
        return "passes " + guard.messages() + " requests";
    }
}
