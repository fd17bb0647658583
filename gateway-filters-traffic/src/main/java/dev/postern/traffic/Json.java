package dev.postern.traffic;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON in one way only: UTF-8, one value, no name twice, at most 64 levels deep. Numbers keep their digits: what was
 * 1.10 is written as 1.10.
 */
final class Json {
    // As deep as real documents get; recursion further down the line stays far from the end of the stack.
    private static final int MAX_DEPTH = 64;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .build())
                    // Readers disagree on which of two members of one name counts, and values travel on into other
                    // calls.
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .nodeFactory(JsonNodeFactory.instance)
            .build();

    private Json() {}

    /** The value, or null when the bytes are not JSON as described above. */
    static @Nullable JsonNode read(ByteBuffer bytes) {
        try {
            return read(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
        } catch (CharacterCodingException notUtf8) {
            return null;
        }
    }

    /** The value, or null when the text is not JSON as described above. */
    static @Nullable JsonNode read(String text) {
        try {
            JsonNode node = MAPPER.readTree(text);
            return node.isMissingNode() ? null : node;
        } catch (JsonProcessingException | NumberFormatException notJson) {
            // The second for an exponent that no decimal can have: 1e1000000000000.
            return null;
        }
    }

    static byte[] bytes(JsonNode node) {
        try {
            return MAPPER.writeValueAsBytes(node);
        } catch (JsonProcessingException impossible) {
            throw new UncheckedIOException("a tree that was read cannot be written", impossible);
        }
    }

    /** Maps, lists, texts, numbers, booleans, null. */
    static @Nullable Object plain(JsonNode node) {
        return MAPPER.convertValue(node, Object.class);
    }

    /** The value under a path of names and indexes, or null when there is none. */
    static @Nullable JsonNode at(JsonNode root, Iterable<String> path) {
        JsonNode node = root;
        for (String step : path) {
            node = node.isArray() ? node.get(index(step)) : node.get(step);
            if (node == null) {
                return null;
            }
        }
        return node;
    }

    /** The text of a string, number or boolean; null for everything else. */
    static @Nullable String scalar(@Nullable JsonNode node) {
        return node != null && node.isValueNode() && !node.isNull() ? node.asText() : null;
    }

    private static int index(String step) {
        if (step.isEmpty() || step.length() > 9 || !step.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return -1;
        }
        return Integer.parseInt(step);
    }
}
