# The command line and the example that makes a load, of this checkout. Built from the root of the repository.
FROM node:22-slim
WORKDIR /dueque
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN npm run build
COPY examples examples
USER node
