import { manifest } from '../environment/packed-package.js';
import { Project } from '../environment/project.js';

const { '@types/node': nodeTypes, typescript } = manifest.devDependencies;

/** An application as `nest new` of Nest 12 makes it, without its tools for tests and linting. */
export function newApplication(): Project {
  const application = new Project();
  application.write('package.json', {
    name: 'my-gateway',
    version: '0.0.1',
    private: true,
    type: 'module',
    dependencies: {
      '@nestjs/common': '^12.0.1',
      '@nestjs/core': '^12.0.1',
      '@nestjs/platform-express': '^12.0.1',
      'reflect-metadata': '^0.2.2',
      rxjs: '^7.8.1',
    },
    devDependencies: { '@types/node': nodeTypes, typescript },
  });
  application.write('tsconfig.json', {
    compilerOptions: {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      resolvePackageJsonExports: true,
      esModuleInterop: true,
      isolatedModules: true,
      declaration: true,
      removeComments: true,
      emitDecoratorMetadata: true,
      experimentalDecorators: true,
      allowSyntheticDefaultImports: true,
      target: 'ES2023',
      sourceMap: true,
      outDir: './dist',
      rootDir: './src',
      incremental: true,
      skipLibCheck: true,
      strict: true,
      strictPropertyInitialization: false,
      types: ['node'],
    },
    include: ['src'],
  });
  application.write('src/main.ts', MAIN);
  return application;
}

const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
`;
