FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No production dependency needs its install script: bcrypt brings its binaries with it.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY LICENCE ./
COPY bin bin
COPY private private
COPY src src
# Readable whatever the umask of the checkout was.
RUN chmod -R a+rX,go-w .

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="sessiongraph" \
      org.opencontainers.image.description="A session service for API backends, over a graph" \
      org.opencontainers.image.licenses="MIT"
# Node runs the TypeScript as it is, so what installs and builds would only be there to be misused.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* \
 && install -d -o node -g node -m 700 /data
COPY --from=build /app /app
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
USER node
VOLUME /data
EXPOSE 3000
# /healthz, not /readyz: some engines replace what is unhealthy, and a missing database is no reason to.
# It asks itself, so over TLS any certificate will do.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "const tls = process.env.TLS_CERT_FILE; if (tls) process.env.NODE_TLS_REJECT_UNAUTHORIZED = 0; fetch(`http${tls ? 's' : ''}://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1))"]
ENTRYPOINT ["node", "/app/bin/sessiongraph.js"]
CMD ["serve"]
