package dev.postern.runtime.discovery;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Reads what registries answer: whole documents only, no name twice, nesting bounded. */
final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(64).build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    static JsonNode read(byte[] document) throws IOException {
        return read(new String(document, StandardCharsets.UTF_8));
    }

    static JsonNode read(String document) throws IOException {
        try {
            JsonNode node = MAPPER.readTree(document);
            if (node == null || node.isMissingNode()) {
                throw new IOException("it answered with nothing");
            }
            return node;
        } catch (JsonProcessingException malformed) {
            throw new IOException("it answered with something that is not JSON", malformed);
        }
    }
}
