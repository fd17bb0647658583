package dev.postern.testing;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One exchange of a {@link FilterTrial}, and the chain behind the filter: reads what it is given as an upstream would, and
 * remembers what it gave.
 */
final class TrialRun implements Filter.Chain {
    /** How long, in real time, bodies that are delivered by other threads may take. */
    private static final long PATIENCE_MILLIS = 2_000;

    private final String name;
    private final Request request;
    private final FakeExchange exchange;
    private final Findings findings;
    // By the number of the attempt, 0 for the first.
    private final IntFunction<CompletionStage<Response>> behind;
    private final List<Request> passed = new ArrayList<>();
    private final List<Upload> uploads = new ArrayList<>();
    private final List<Response> answers = new ArrayList<>();
    private final boolean reading;
    private int unanswered;
    private @Nullable CompletionStage<Response> stage;
    private @Nullable Response response;
    private @Nullable Throwable failure;

    private record Upload(Body body, Probe probe) {}

    /** With {@code reading} false the bodies of requests are left to somebody else. */
    TrialRun(
            String name,
            Request request,
            FakeExchange exchange,
            Findings findings,
            IntFunction<CompletionStage<Response>> behind,
            boolean reading) {
        this.name = name;
        this.request = request;
        this.exchange = exchange;
        this.findings = findings;
        this.behind = behind;
        this.reading = reading;
    }

    String name() {
        return name;
    }

    /** What {@code apply} returned, or null when it did not. */
    @Nullable
    CompletionStage<Response> stage() {
        return stage;
    }

    void stage(@Nullable CompletionStage<Response> newStage) {
        stage = newStage;
    }

    /** What the stage completed with, or null when it has not or has failed. */
    @Nullable
    Response response() {
        return response;
    }

    /** What the stage failed with, or null. */
    @Nullable
    Throwable failure() {
        return failure;
    }

    void settled(Settled<Response> settled) {
        response = settled.value();
        failure = settled.failure();
    }

    Request request() {
        return request;
    }

    FakeExchange fakeExchange() {
        return exchange;
    }

    /** The requests that were let through. */
    List<Request> passed() {
        return passed;
    }

    @Override
    public Exchange exchange() {
        return exchange;
    }

    @Override
    public CompletionStage<Response> proceed(Request next) {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        if (next == null) {
            findings.add("proceeds without a request", name + ": chain.proceed(null)");
            answer.completeExceptionally(new NullPointerException("request"));
            return answer.minimalCompletionStage();
        }
        if (!passed.isEmpty()) {
            checkAnotherAttempt(next);
        }
        passed.add(next);
        if (reading) {
            upload(next.body());
        }
        unanswered++;
        behind.apply(passed.size() - 1).whenComplete((given, broken) -> {
            unanswered--;
            if (broken != null) {
                answer.completeExceptionally(broken);
            } else {
                answers.add(given);
                answer.complete(given);
            }
        });
        return answer.minimalCompletionStage();
    }

    private void checkAnotherAttempt(Request next) {
        if (unanswered > 0) {
            findings.add(
                    "proceeds again before the chain has answered",
                    name + ": attempt " + (passed.size() + 1) + " (expected: one after the other)");
        }
        boolean readBefore = passed.stream().anyMatch(before -> before.body() == next.body());
        if (readBefore && !next.body().replayable()) {
            findings.add(
                    "proceeds again with a body that was read",
                    name + ": attempt " + (passed.size() + 1) + " (expected: only if body().replayable())");
        }
        for (Response before : answers) {
            if (held(before)) {
                findings.add(
                        "proceeds again without discarding the response before",
                        name + ": " + before + " is neither read nor discarded (expected: body().discard())");
            }
        }
    }

    private void upload(Body body) {
        Probe probe = new Probe(PATIENCE_MILLIS);
        body.chunks().subscribe(probe);
        probe.request((what, step) -> step.run(), Long.MAX_VALUE);
        uploads.add(new Upload(body, probe));
    }

    /** Checks the request bodies let through and that nothing is held; called when the exchange is over. */
    void checkBodies() {
        for (int i = 0; i < uploads.size(); i++) {
            Upload upload = uploads.get(i);
            if (upload.body != request.body()) {
                checkReplacement("request", request.body(), upload.body, upload.probe);
            } else if (i == 0) {
                checkUnspent("request", upload.probe);
            }
        }
        if (!passed.isEmpty() && request.body() instanceof FakeBody original && reading && !original.released()) {
            findings.add(
                    "replaces a request body and holds on to it",
                    name + ": the body is " + original.state() + " (expected: read, passed on or discarded)");
        }
        for (Response answer : answers) {
            if (held(answer)) {
                findings.add(
                        "holds a response that it does not pass on",
                        name + ": the body of the chain's " + answer + " is " + ((FakeBody) answer.body()).state()
                                + " (expected: read or discarded)");
            }
        }
    }

    /** Checks what became of the body of an answer, when a probe has read what the filter made of it. */
    void checkAnswer(Body body, Probe probe) {
        for (Response answer : answers) {
            if (answer.body() == body) {
                checkUnspent("response", probe);
                return;
            }
        }
        Body original = answers.isEmpty()
                ? Body.empty()
                : answers.get(answers.size() - 1).body();
        checkReplacement("response", original, body, probe);
    }

    private void checkUnspent(String whose, Probe probe) {
        if (probe.failure() instanceof IllegalStateException) {
            findings.add(
                    "passes on a body that it has used up",
                    name + ": the " + whose + " body was read or discarded before it was passed on");
        }
    }

    private void checkReplacement(String whose, Body original, Body body, Probe probe) {
        probe.awaitEnd(findings.hopeless() ? 1 : PATIENCE_MILLIS);
        String where = name + ": the " + whose + " body";
        for (String violation : probe.violations()) {
            findings.add("breaks the rules of a body", where + ": " + violation);
        }
        if (!probe.ended() || probe.failure() != null) {
            findings.add(Findings.NEVER_ENDS, where + " gives " + probe);
            return;
        }
        int bytes = probe.bytes().length;
        if (body.length() != -1 && body.length() != bytes) {
            findings.add(
                    "announces a wrong length",
                    where + " says " + body.length() + " and has " + bytes + " bytes (expected: that or -1)");
        }
        boolean wraps = !(body instanceof BufferedBody);
        if (wraps && original instanceof FakeBody fake && fake.state() == FakeBody.State.READ) {
            checkTrailers(where, fake, body);
        }
    }

    private void checkTrailers(String where, FakeBody original, Body body) {
        Headers expected = Settled.of(original.trailers(), PATIENCE_MILLIS).value();
        Settled<Headers> actual = Settled.of(body.trailers(), PATIENCE_MILLIS);
        if (!String.valueOf(expected).equals(String.valueOf(actual.value()))) {
            findings.add(
                    "loses the trailers of a body that it wraps",
                    where + " ends with " + actual + " (expected: " + expected + ")");
        }
    }

    private static boolean held(Response answer) {
        return answer.body() instanceof FakeBody body && !body.released();
    }

    /** The body of the last answer, or null. */
    @Nullable
    Body lastAnswer() {
        return answers.isEmpty() ? null : answers.get(answers.size() - 1).body();
    }
}
