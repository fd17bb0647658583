package dev.postern.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Headers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What came of one leg. No type of a JSON library shows here, so the host may use any, in any version. Immutable. */
public final class LegResult {
    private final String name;
    private final @Nullable String failure;
    private final int status;
    private final Headers headers;
    private final JsonNode json;

    LegResult(String name, @Nullable String failure, int status, Headers headers, JsonNode json) {
        this.name = name;
        this.failure = failure;
        this.status = status;
        this.headers = headers;
        this.json = json;
    }

    /** The name of the leg. */
    public String name() {
        return name;
    }

    /** Whether the call succeeded. */
    public boolean ok() {
        return failure == null;
    }

    /**
     * Why it failed, or null: {@code timeout}, {@code status_503}, {@code not_json}, {@code bad_value}, {@code skipped} (a call
     * it needs failed), or the reason of a failed call such as {@code connect_failed}.
     */
    public @Nullable String failure() {
        return failure;
    }

    /** The status of the answer; 0 when there was none. */
    public int status() {
        return status;
    }

    /** The headers of the answer; empty when there was none. */
    public Headers headers() {
        return headers;
    }

    /** The result as JSON; of a failed leg its default, which is {@code null} unless another was given. */
    public String json() {
        return new String(Json.bytes(json), StandardCharsets.UTF_8);
    }

    /** The result as maps, lists, texts, numbers, booleans and null, anew at each call. */
    public @Nullable Object value() {
        return Json.plain(json);
    }

    /** The text, number or boolean under a path of names and indexes such as {@code team.members.0}; null when there is none. */
    public @Nullable String text(String path) {
        return Json.scalar(Json.at(json, Arrays.asList(path.split("\\.", -1))));
    }

    JsonNode node() {
        return json;
    }

    /** Name and outcome: content does not belong into logs. */
    @Override
    public String toString() {
        return name + ": " + (failure == null ? status : failure);
    }
}
